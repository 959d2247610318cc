package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.Iterator;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CompletionStreamTest {
  private static final String TOKEN =
      "data: {\"choices\":[{\"text\":\"a\",\"index\":0,\"finish_reason\":null}]}";

  @Test
  void anEventWithTextIsAToken() throws IOException {
    assertTrue(CompletionStream.isToken(TOKEN));
    assertTrue(CompletionStream.isToken("data:{\"choices\":[{\"text\":\" \"}]}"));
  }

  @Test
  void theEndOfAnAnswerWithoutTextIsAToken() throws IOException {
    assertTrue(
        CompletionStream.isToken(
            "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ": loading {\"choices\":[{\"text\":\"a\"}]}",
        "event: message",
        "data: [DONE]",
        "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":null}]}",
        "data: {\"choices\":[],\"usage\":{\"completion_tokens\":1}}",
        "data: {\"error\":{\"message\":\"text\"}}"
      })
  void nothingElseIsAToken(String line) throws IOException {
    assertFalse(CompletionStream.isToken(line));
  }

  @Test
  void theTimeIsThatOfTheTokenAndTheAnswerIsReadToItsEnd() throws IOException {
    Iterator<String> lines = List.of(": loading", "", TOKEN, "", "data: [DONE]", "").iterator();
    long before = System.nanoTime();

    long time = CompletionStream.firstToken(lines);

    assertTrue(time - before >= 0 && System.nanoTime() - time >= 0);
    assertFalse(lines.hasNext());
  }

  @Test
  void aStreamWithoutATokenFailsWithItsLastLine() {
    String error = "data: {\"error\":{\"message\":\"out of memory\"}}";
    Iterator<String> lines = List.of(": loading", "", error, "").iterator();

    IOException failure = assertThrows(IOException.class, () -> CompletionStream.firstToken(lines));

    assertTrue(failure.getMessage().contains(error), failure.getMessage());
  }

  @Test
  void aPromptHasItsLengthAndIsTheSameEachTime() throws IOException {
    JsonNode request = new JsonMapper().readTree(CompletionStream.request(512, 100));

    assertEquals(512, request.path("prompt").size());
    request.path("prompt").forEach(id -> assertTrue(id.asInt() >= 0 && id.asInt() < 100));
    assertEquals(request, new JsonMapper().readTree(CompletionStream.request(512, 100)));
    assertTrue(request.path("stream").asBoolean());
  }
}
