package io.chasqui.page;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The chat page in a real browser, of a server that wants a key. */
@QuarkusTest
@TestProfile(PageKeyTest.Guarded.class)
class PageKeyTest {
  private static final String KEY = "sk-0123456789abcdef";

  public static final class Guarded implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      try {
        Path file = Files.writeString(Files.createTempFile("keys", ""), "page " + KEY);
        file.toFile().deleteOnExit();
        return Map.of("chasqui.api-keys-file", file.toString());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  @TestHTTPResource("/")
  URL page;

  @TempDir Path profile;

  private ChromeDriver browser;

  @BeforeEach
  void open() {
    browser = Chromium.start(profile);
    browser.get(page.toString());
  }

  @AfterEach
  void close() {
    if (browser != null) {
      browser.quit();
    }
  }

  @Test
  void aPageThatIsRefusedAsksForAKeyAndSendsIt() {
    waitUntil("the field for the key is shown", () -> element("#key").isDisplayed());
    ask("What is the capital of Japan?");
    waitUntil("the refusal is told", () -> text().contains("Send a key of this server"));

    element("#key").sendKeys(KEY);
    ask("What is the capital of Japan?");
    waitUntil("there is an answer", () -> text().contains("Tokyo"));
    assertFalse(text().contains(KEY));
  }

  private void ask(String question) {
    element("#prompt").sendKeys(question, Keys.ENTER);
  }

  private String text() {
    return element("body").getText();
  }

  private WebElement element(String css) {
    return browser.findElement(By.cssSelector(css));
  }

  private void waitUntil(String what, BooleanSupplier condition) {
    new WebDriverWait(browser, Duration.ofSeconds(30), Duration.ofMillis(20))
        .withMessage(() -> what + "; the page shows: " + text())
        .until(ignored -> condition.getAsBoolean());
  }
}
