package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The bytes of a stream as they are on the wire. */
@QuarkusTest
class EventStreamTest {
  @TestHTTPResource("/")
  URI server;

  @Test
  void theHeadIsThatOfAnEventStream() {
    try (var connection = RawConnection.post(server, Api.CHAT, Api.chat("Hello", "stream", true))) {
      RawConnection.Head head = connection.readHead();

      assertEquals("HTTP/1.1 200 OK", head.statusLine());
      assertTrue(
          head.headers().get("content-type").startsWith("text/event-stream"), head.toString());
      assertEquals("no-cache", head.headers().get("cache-control"));
      assertEquals("no", head.headers().get("x-accel-buffering"));
      assertEquals("chunked", head.headers().get("transfer-encoding"));
      assertFalse(head.headers().containsKey("content-length"));
      connection.readChunks();
    }
  }

  @Test
  void aChatBeginsWithTheRoleAndEndsWithTheReason() {
    List<JsonNode> events = chat("What is 3 + 4?").json();

    JsonNode first = events.getFirst().at("/choices/0");
    assertEquals("assistant", first.at("/delta/role").textValue());
    assertTrue(first.get("finish_reason").isNull());
    for (JsonNode event : events) {
      assertEquals(events.getFirst().get("id"), event.get("id"));
      assertEquals(events.getFirst().get("created"), event.get("created"));
      assertEquals("chat.completion.chunk", event.get("object").textValue());
      assertEquals("demo", event.get("model").textValue());
      assertEquals(0, event.at("/choices/0/index").intValue());
      assertFalse(event.has("usage"), event.toString());
    }
    for (JsonNode event : events.subList(1, events.size() - 1)) {
      assertTrue(event.at("/choices/0/finish_reason").isNull());
      assertFalse(event.at("/choices/0/delta/content").textValue().isEmpty());
      assertFalse(event.at("/choices/0/delta").has("role"));
    }
    assertTrue(events.size() > 3, events.toString());
    assertEquals("stop", events.getLast().at("/choices/0/finish_reason").textValue());
    assertTrue(events.getLast().at("/choices/0/delta").isEmpty());
  }

  @Test
  void aStreamOfAModelThatIsReadyHasNoComment() {
    assertEquals(List.of(), chat("Hello").comments());
  }

  @Test
  void usageComesInAChunkOfItsOwnWhenItIsAskedFor() {
    var asked = Map.of("include_usage", true);
    List<JsonNode> events = chat("Hello", "max_tokens", 3, "stream_options", asked).json();

    for (JsonNode event : events.subList(0, events.size() - 1)) {
      assertTrue(event.has("usage") && event.get("usage").isNull(), event.toString());
      assertEquals(1, event.get("choices").size());
    }
    JsonNode closing = events.get(events.size() - 2);
    assertEquals("length", closing.at("/choices/0/finish_reason").textValue());
    JsonNode last = events.getLast();
    assertTrue(last.get("choices").isArray() && last.get("choices").isEmpty());
    assertEquals(3, last.at("/usage/completion_tokens").intValue());
    assertEquals(
        last.at("/usage/prompt_tokens").intValue() + 3, last.at("/usage/total_tokens").intValue());
  }

  @Test
  void aPlainCompletionStreamsItsText() {
    String body = Api.completion("Once upon", "stream", true);
    try (var connection = RawConnection.post(server, Api.COMPLETIONS, body)) {
      connection.readHead();
      List<JsonNode> events = Frames.of(connection.readChunks()).json();

      StringBuilder text = new StringBuilder();
      for (JsonNode event : events) {
        assertEquals("text_completion", event.get("object").textValue());
        text.append(event.at("/choices/0/text").textValue());
      }
      assertEquals("length", events.getLast().at("/choices/0/finish_reason").textValue());
      JsonNode whole = Api.answer(server, Api.COMPLETIONS, Api.completion("Once upon"));
      assertEquals(whole.at("/choices/0/text").textValue(), text.toString());
    }
  }

  @Test
  void aConnectionServesTheNextRequestAfterAStream() {
    String body = Api.chat("Hello", "stream", true);
    try (var connection = RawConnection.post(server, Api.CHAT, body)) {
      connection.readHead();
      connection.readChunks();
      connection.send(
          "GET /v1/models HTTP/1.1\r\nHost: test\r\n\r\n".getBytes(StandardCharsets.US_ASCII));

      RawConnection.Head head = connection.readHead();
      assertEquals("HTTP/1.1 200 OK", head.statusLine());
      int length = Integer.parseInt(head.headers().get("content-length"));
      assertEquals("demo", Api.parse(connection.readText(length)).at("/data/0/id").textValue());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"你好", "Show me an emoji for a llama.", "🦙", Api.STORY})
  void theStreamedTextIsTheWholeText(String prompt) {
    String streamed = chat(prompt).chatText();

    assertEquals(Api.text(server, Api.chat(prompt)), streamed);
    assertFalse(streamed.contains("\uFFFD"), streamed);
    assertFalse(streamed.isEmpty());
  }

  @Test
  void charactersOfSeveralTokensArriveWhole() {
    assertTrue(chat("Show me an emoji for a llama.").chatText().contains("🦙"));
    assertTrue(chat("你好").chatText().codePoints().anyMatch(c -> c >= 0x4E00));
  }

  private Frames chat(String prompt, Object... fields) {
    Object[] all = Arrays.copyOf(fields, fields.length + 2);
    all[fields.length] = "stream";
    all[fields.length + 1] = true;
    try (var connection = RawConnection.post(server, Api.CHAT, Api.chat(prompt, all))) {
      assertEquals("HTTP/1.1 200 OK", connection.readHead().statusLine());
      return Frames.of(connection.readChunks());
    }
  }
}
