package io.chasqui.page;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.chasqui.Programs;
import java.nio.file.Path;
import java.util.Optional;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;

/**
 * The Chromium and chromedriver of this machine. Both are named to Selenium outright, so that it
 * never looks for them on the network.
 */
final class Chromium {
  private static final String REQUIRED = "CHASQUI_REQUIRE_BROWSER";

  // Selenium warns of every browser that is newer than itself, for features that are not used here.
  private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");

  private Chromium() {}

  /**
   * Starts a browser without a window and with a profile of its own.
   *
   * <p>Where there is none, the calling test is skipped; it fails if the environment variable
   * {@code CHASQUI_REQUIRE_BROWSER} is {@code true}.
   *
   * @param profile an empty folder
   */
  static ChromeDriver start(Path profile) {
    SELENIUM.setLevel(Level.SEVERE);
    Path browser = find("chromium", "chromium-browser", "google-chrome");
    Path driver = find("chromedriver");
    ChromeOptions options =
        new ChromeOptions()
            .setBinary(browser.toFile())
            .addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--window-size=1100,800",
                "--user-data-dir=" + profile);
    return new ChromeDriver(
        new ChromeDriverService.Builder().usingDriverExecutable(driver.toFile()).build(), options);
  }

  private static Path find(String... names) {
    Optional<Path> found = Programs.find(names);
    String problem = names[0] + " is not installed";
    if (Boolean.parseBoolean(System.getenv(REQUIRED))) {
      return found.orElseThrow(
          () -> new AssertionError(problem + ", and " + REQUIRED + " is true"));
    }
    assumeTrue(found.isPresent(), problem);
    return found.orElseThrow();
  }
}
