package io.chasqui.page;

import java.net.URL;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.support.ui.WebDriverWait;

/** The chat page in a browser of its own. */
final class ChatPage implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  final ChromeDriver browser;

  /**
   * @param profile an empty folder
   */
  ChatPage(URL page, Path profile) {
    browser = Chromium.start(profile);
    browser.get(page.toString());
  }

  void ask(String question) {
    element("#prompt").sendKeys(question, Keys.ENTER);
  }

  void waitUntil(String what, BooleanSupplier condition) {
    new WebDriverWait(browser, PATIENCE, Duration.ofMillis(20))
        .withMessage(() -> what + "; the page shows: " + text())
        .until(ignored -> condition.getAsBoolean());
  }

  WebElement element(String css) {
    return browser.findElement(By.cssSelector(css));
  }

  /** All that is shown. */
  String text() {
    return element("body").getText();
  }

  @Override
  public void close() {
    browser.quit();
  }
}
