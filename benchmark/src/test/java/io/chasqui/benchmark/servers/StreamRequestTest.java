package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StreamRequestTest {
  private static final String COMMENT = ": keep-alive {\"choices\":[{\"text\":\"a\"}]}";
  private static final String TOKEN =
      "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}],\"usage\":null}";
  private static final String END =
      "data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}";
  private static final String USAGE =
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}";
  private static final String DONE = "data: [DONE]";

  private final StreamRequest request = new StreamRequest(List.of(5, 6, 7), 2, 9);

  private TokenTimes read(String... lines) throws IOException {
    return request.read(0, List.of(lines).iterator(), tokens -> {});
  }

  private String failure(String... lines) {
    return assertThrows(IOException.class, () -> read(lines)).getMessage();
  }

  @Test
  void theAnswerIsGreedyAndOfTheLengthAndTheTokenThatAreAskedFor() throws IOException {
    JsonNode json = new JsonMapper().readTree(request.json());

    assertEquals("[5,6,7]", json.path("prompt").toString());
    assertEquals(2, json.path("max_tokens").asInt());
    assertEquals(0, json.path("temperature").asInt(-1));
    assertTrue(json.path("ignore_eos").asBoolean() && json.path("stream").asBoolean());
    assertTrue(json.path("stream_options").path("include_usage").asBoolean());
    assertEquals("{\"9\":100}", json.path("logit_bias").toString());
  }

  @Test
  void aPromptIsOfTheVocabularyAndItsSeedAlone() {
    List<Integer> prompt = StreamRequest.randomPrompt(new SplittableRandom(1), 500, 10);

    assertEquals(500, prompt.size());
    prompt.forEach(id -> assertTrue(id >= 0 && id < 10));
    assertEquals(prompt, StreamRequest.randomPrompt(new SplittableRandom(1), 500, 10));
  }

  @Test
  void eachEventWithTextIsATokenAndCommentsAreNone() throws IOException {
    List<Integer> progress = new ArrayList<>();
    List<String> lines = List.of(COMMENT, "", TOKEN, "", COMMENT, TOKEN, END, USAGE, DONE);
    long before = System.nanoTime();

    TokenTimes times = request.read(before, lines.iterator(), progress::add);

    assertEquals(2, times.tokens().size());
    assertTrue(before <= times.first() && times.first() <= times.last());
    assertTrue(times.last() <= System.nanoTime());
    assertEquals(List.of(1, 2), progress);
  }

  @Test
  void tokensThatComeTogetherCannotBeTimed() {
    String message = failure(TOKEN, END, USAGE, DONE);

    assertTrue(message.contains("2 tokens came in 1 events"), message);
  }

  @Test
  void anAnswerOfAnotherLengthIsNotTheOneAskedFor() {
    String answer = failure(TOKEN, END, USAGE.replace("tokens\":2", "tokens\":1"), DONE);
    assertTrue(answer.contains("1 tokens of the answer"), answer);

    String prompt = failure(TOKEN, TOKEN, END, USAGE.replace("tokens\":3", "tokens\":4"), DONE);
    assertTrue(prompt.contains("4 tokens of the prompt"), prompt);
  }

  @Test
  void aStreamThatBreaksOffFailsWithItsLastEvent() {
    String error = "data: {\"error\":{\"message\":\"out of memory\"}}";

    String message = failure(TOKEN, error, DONE);

    assertTrue(message.contains("out of memory"), message);
  }
}
