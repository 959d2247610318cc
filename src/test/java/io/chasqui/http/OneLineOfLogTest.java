package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.LogLines;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A client cannot write lines of its own into the log, nor what a terminal obeys. */
@QuarkusTest
@TestProfile(OneLineOfLogTest.EachRequest.class)
class OneLineOfLogTest {
  /** The end of a line in ASCII, Latin-1 and Unicode, and a terminal's escape. */
  private static final List<String> CONTROLS =
      List.of("\n", "\r", "\u000b", "\u0085", "\u001b[31m", "\u009b31m", "\u2028");

  /** A line of the log for each request. */
  public static final class EachRequest implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of("quarkus.http.access-log.enabled", "true");
    }
  }

  @TestHTTPResource("/")
  URI server;

  private void send(String line, String headers, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "%s HTTP/1.1\r\nHost: test\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n"
            .formatted(line, bytes.length, headers);
    try (var connection = new RawConnection(server)) {
      connection.send(head.getBytes(StandardCharsets.UTF_8));
      connection.send(bytes);
      connection.readHead();
    }
  }

  @Test
  void noControlCharacterOfARequestGetsIntoTheLog() {
    var log = LogLines.ofAll();
    try {
      for (String control : CONTROLS) {
        String text = "a" + control + "FAKE";
        send("GET /" + text, "", "");
        send("BR" + text + " /", "", "");
        for (String header :
            List.of("X-Request-Id", "traceparent", "User-Agent", "Referer", "Authorization")) {
          send("GET /v1/models", header + ": " + text + "\r\n", "");
        }
        for (String field : List.of("model", "user", "prompt", text)) {
          send(
              "POST " + Api.COMPLETIONS,
              "Content-Type: application/json\r\n",
              Api.completion("One", "max_tokens", 1, field, text));
        }
      }
      send("GET /the-last", "", "");
      Await.until(
          "all requests are logged",
          () -> log.all().stream().anyMatch(line -> line.contains("/the-last")));

      List<String> lines = log.all();
      assertTrue(lines.size() > CONTROLS.size(), lines.toString());
      assertEquals(
          List.of(),
          lines.stream()
              .filter(line -> line.codePoints().anyMatch(OneLineOfLogTest::isControl))
              .toList());
    } finally {
      log.close();
    }
  }

  private static boolean isControl(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true;
      default -> false;
    };
  }
}
