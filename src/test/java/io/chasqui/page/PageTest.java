package io.chasqui.page;

import static io.restassured.RestAssured.given;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.http.ContentType;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;

/** The chat page in a real browser, against the real server and the demo model. */
@QuarkusTest
class PageTest {
  private static final String STORY = "Tell me a story about a fox";

  /**
   * Notes each state of the last answer while Stop can be pressed. It runs inside the page because
   * a fast model is done before WebDriver has asked twice.
   */
  private static final String WATCH =
      """
      window.lengthsWhileRunning = [];
      new MutationObserver(() => {
        const answer = [...document.querySelectorAll('.message.assistant .text')].at(-1);
        const stop = document.getElementById('stop');
        if (answer && !stop.disabled) {
          window.lengthsWhileRunning.push(answer.textContent.length);
          if (window.stopAt && answer.textContent.length >= window.stopAt) stop.click();
        }
      }).observe(document.getElementById('log'), {subtree: true, childList: true, characterData: true});
      """;

  @TestHTTPResource("/")
  URL page;

  @TempDir Path profile;

  private ChatPage chat;
  private ChromeDriver browser;

  @BeforeEach
  void open() {
    chat = new ChatPage(page, profile);
    browser = chat.browser;
    chat.waitUntil(
        "the model's name is shown", () -> chat.element("#model").getText().equals("demo"));
    browser.executeScript(WATCH);
  }

  @AfterEach
  void close() {
    if (chat != null) {
      chat.close();
    }
  }

  @Test
  void anAnswerGrowsWhileItStreamsAndEndsWithItsSpeed() throws IOException {
    chat.ask(STORY);
    waitUntilIdle();

    assertTrue(
        lengthsWhileRunning().stream().filter(length -> length > 0).distinct().count() >= 2,
        () -> "the text did not grow: " + lengthsWhileRunning());
    WebElement stats = last(".message.assistant .stats");
    assertTrue(number(stats, "data-ttft-ms") > 0);
    assertTrue(number(stats, "data-tokens-per-second") > 0);
    assertTrue(number(stats, "data-tokens") >= 2);
    assertEquals(STORY, last(".message.user .text").getText());
    takeScreenshot();
  }

  @Test
  void stopKeepsWhatHasComeAndANewQuestionWorks() {
    browser.executeScript("window.stopAt = 10");
    chat.ask(STORY);
    waitUntilIdle();

    assertTrue(last(".message.assistant .stats").getText().contains("stopped"));
    String partial = last(".message.assistant .text").getText();
    assertTrue(partial.length() >= 10, partial);
    assertFalse(chat.element("#stop").isEnabled());

    browser.executeScript("window.stopAt = null");
    chat.ask("What is the capital of Japan?");
    waitUntilIdle();

    List<WebElement> answers = browser.findElements(By.cssSelector(".message.assistant .text"));
    assertEquals(2, answers.size());
    assertEquals(partial, answers.getFirst().getText());
    assertFalse(answers.getLast().getText().isBlank());
    assertFalse(last(".message.assistant .stats").getText().contains("stopped"));
  }

  @Test
  void anErrorOfTheServerIsShownInItsOwnWords() {
    String tooLong = "llama ".repeat(2000).strip();
    String message =
        given()
            .contentType(ContentType.JSON)
            .body(
                Map.of(
                    "model",
                    "demo",
                    "max_tokens",
                    256,
                    "messages",
                    List.of(Map.of("role", "user", "content", tooLong))))
            .post(page + "v1/chat/completions")
            .then()
            .statusCode(400)
            .extract()
            .path("error.message");

    // Set and not typed: two thousand words take WebDriver a while.
    browser.executeScript("document.getElementById('prompt').value = arguments[0]", tooLong);
    chat.element("#send").click();
    waitUntilIdle();

    String shown = last(".message.assistant .problem").getText();
    assertTrue(shown.contains(message), () -> shown + " does not tell: " + message);

    chat.ask("What is 3 + 4?");
    waitUntilIdle();
    assertFalse(last(".message.assistant .text").getText().isBlank());
  }

  @Test
  void shiftEnterStartsANewLine() {
    chat.element("#prompt").sendKeys("one", Keys.chord(Keys.SHIFT, Keys.ENTER), "two");

    assertEquals("one\ntwo", chat.element("#prompt").getDomProperty("value"));
    assertEquals(List.of(), browser.findElements(By.cssSelector(".message")));
  }

  /** Send replaces Stop in the same breath in which the question is taken over. */
  private void waitUntilIdle() {
    chat.waitUntil(
        "the answer is complete",
        () ->
            !chat.element("#stop").isEnabled()
                && "false".equals(last(".message.assistant").getDomAttribute("aria-busy")));
  }

  private List<Long> lengthsWhileRunning() {
    Object lengths = browser.executeScript("return window.lengthsWhileRunning");
    return ((List<?>) lengths).stream().map(length -> ((Number) length).longValue()).toList();
  }

  private WebElement last(String css) {
    return browser.findElements(By.cssSelector(css)).getLast();
  }

  private static double number(WebElement element, String attribute) {
    return Double.parseDouble(element.getDomAttribute(attribute));
  }

  private void takeScreenshot() throws IOException {
    Path file = Path.of("target", "screenshots", "page.png");
    Files.createDirectories(file.getParent());
    Files.write(file, browser.getScreenshotAs(OutputType.BYTES));
  }
}
