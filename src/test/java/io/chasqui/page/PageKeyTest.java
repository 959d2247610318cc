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
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

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

  @Test
  void aPageThatIsRefusedAsksForAKeyAndSendsIt() {
    try (var chat = new ChatPage(page, profile)) {
      chat.waitUntil("the field for the key is shown", () -> chat.element("#key").isDisplayed());
      chat.ask("What is the capital of Japan?");
      chat.waitUntil(
          "the refusal is told", () -> chat.text().contains("Send a key of this server"));

      chat.element("#key").sendKeys(KEY);
      chat.element("#temperature").sendKeys(Keys.chord(Keys.CONTROL, "a"), "0"); // the likeliest
      chat.ask("What is the capital of Japan?");
      chat.waitUntil("there is an answer", () -> chat.text().contains("Tokyo"));
      assertFalse(chat.text().contains(KEY));
    }
  }
}
