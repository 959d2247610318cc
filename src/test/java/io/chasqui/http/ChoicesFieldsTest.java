package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several answers to one request, their log probabilities, their prompts, and their time. */
@QuarkusTest
class ChoicesFieldsTest {
  private static final String PROMPT = "Once upon a time there was";

  @TestHTTPResource("/")
  URI server;

  @Test
  void everyChoiceIsStreamedToItsOwnEnd() {
    var response =
        Api.post(
            server,
            Api.CHAT,
            Api.chat(Api.STORY, "temperature", 1, "seed", 5, "n", 3, "stream", true));
    var texts = new TreeMap<Integer, StringBuilder>();
    var ends = new TreeMap<Integer, String>();
    for (JsonNode event : Frames.of(List.of(response.body())).json()) {
      JsonNode choice = event.at("/choices/0");
      int index = choice.get("index").intValue();
      assertFalse(ends.containsKey(index), "a chunk after the last of its choice: " + event);
      texts
          .computeIfAbsent(index, i -> new StringBuilder())
          .append(choice.at("/delta/content").asText(""));
      if (choice.get("finish_reason").isTextual()) {
        ends.put(index, choice.get("finish_reason").textValue());
      }
    }

    JsonNode whole =
        Api.answer(server, Api.CHAT, Api.chat(Api.STORY, "temperature", 1, "seed", 5, "n", 3));
    assertEquals(3, whole.get("choices").size());
    for (JsonNode choice : whole.get("choices")) {
      int index = choice.get("index").intValue();
      assertEquals(choice.at("/message/content").textValue(), texts.get(index).toString());
      assertEquals(choice.get("finish_reason").textValue(), ends.get(index));
    }
  }

  @Test
  void theBestOfSeveralIsOneOfThem() {
    JsonNode all = completion("temperature", 1, "seed", 5, "n", 4, "logprobs", 0);
    JsonNode best = completion("temperature", 1, "seed", 5, "best_of", 4);

    String likeliest = "";
    double highest = Double.NEGATIVE_INFINITY;
    for (JsonNode choice : all.get("choices")) {
      double mean =
          StreamSupport.stream(choice.at("/logprobs/token_logprobs").spliterator(), false)
              .mapToDouble(JsonNode::doubleValue)
              .average()
              .orElseThrow();
      if (mean > highest) {
        highest = mean;
        likeliest = choice.get("text").textValue();
      }
    }
    assertEquals(1, best.get("choices").size());
    assertEquals(likeliest, best.at("/choices/0/text").textValue());
    assertEquals(all.at("/usage/completion_tokens"), best.at("/usage/completion_tokens"));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anEchoPrecedesEveryChoice(boolean logprobs) {
    Object[] fields = {"temperature", 1, "n", 2, "seed", 3, "echo", true};
    Object[] more = logprobs ? with(fields, "logprobs", 2) : fields;
    JsonNode echoed = completion(more);
    JsonNode plain = completion("temperature", 1, "n", 2, "seed", 3);
    List<JsonNode> events =
        Frames.of(
                List.of(
                    Api.post(
                            server,
                            Api.COMPLETIONS,
                            Api.completion(PROMPT, with(more, "stream", true)))
                        .body()))
            .json();
    for (int i = 0; i < 2; i++) {
      String expected = PROMPT + plain.at("/choices/" + i + "/text").textValue();
      assertEquals(expected, echoed.at("/choices/" + i + "/text").textValue());
      var streamed = new StringBuilder();
      for (JsonNode event : events) {
        if (event.at("/choices/0/index").intValue() == i) {
          streamed.append(event.at("/choices/0/text").textValue());
        }
      }
      assertEquals(expected, streamed.toString());
    }
  }

  @Test
  void aStreamTellsAllOfALongPromptsProbabilitiesInSeveralChunks() {
    Object prompt = "The fox saw a dog. ".repeat(20);
    Object[] fields = {"echo", true, "logprobs", 2, "n", 2, "max_tokens", 3};
    JsonNode whole = Api.answer(server, Api.COMPLETIONS, Api.completion(prompt, fields));
    String stream =
        Api.post(server, Api.COMPLETIONS, Api.completion(prompt, with(fields, "stream", true)))
            .body();

    for (JsonNode choice : whole.get("choices")) {
      var text = new StringBuilder();
      var lists = Api.JSON.createObjectNode();
      int chunks = 0;
      for (JsonNode event : Frames.of(List.of(stream)).json()) {
        JsonNode part = event.at("/choices/0");
        if (part.get("index").equals(choice.get("index"))) {
          chunks++;
          text.append(part.get("text").textValue());
          for (var list : part.get("logprobs").properties()) {
            lists.withArray(list.getKey()).addAll((ArrayNode) list.getValue());
          }
        }
      }
      assertEquals(choice.get("text").textValue(), text.toString());
      assertEquals(choice.get("logprobs"), lists);
      assertTrue(chunks > 5, "chunks: " + chunks);
    }
  }

  @Test
  void thePromptAloneCanBeScored() {
    JsonNode answer = completion("echo", true, "logprobs", 1, "max_tokens", 0);

    assertEquals(PROMPT, answer.at("/choices/0/text").textValue());
    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
    JsonNode logprobs = answer.at("/choices/0/logprobs");
    int tokens = answer.at("/usage/prompt_tokens").intValue();
    for (String list : List.of("tokens", "token_logprobs", "top_logprobs", "text_offset")) {
      assertEquals(tokens, logprobs.get(list).size(), list);
    }
    assertTrue(logprobs.at("/token_logprobs/0").isNull());
    assertTrue(
        IntStream.range(1, tokens)
            .allMatch(i -> logprobs.get("token_logprobs").get(i).doubleValue() < 0));
    assertEquals(0, answer.at("/usage/completion_tokens").intValue());
    assertEquals(PROMPT, completion("echo", true, "max_tokens", 0).at("/choices/0/text").asText());
  }

  @Test
  void partsOfACharacterAreToldByTheirBytes() {
    JsonNode answer =
        Api.answer(
            server,
            Api.COMPLETIONS,
            Api.completion("\uD83E\uDD99", "echo", true, "logprobs", 0, "max_tokens", 0));

    assertEquals("\uD83E\uDD99", answer.at("/choices/0/text").textValue());
    for (JsonNode token : answer.at("/choices/0/logprobs/tokens")) {
      assertFalse(token.textValue().contains("\uFFFD"), token.toString());
    }
  }

  @Test
  void tenantsDoNotShareWhatTheyCompute() {
    String long_ = "Tell me a story about a fox that nobody told before. ".repeat(4);
    assertEquals(0, cached(long_, "cache_salt", "one"));
    assertEquals(0, cached(long_, "cache_salt", "two"));
    assertEquals(0, cached(long_, "cache_prompt", false));
    assertNotEquals(0, cached(long_, "cache_salt", "one"));
  }

  private int cached(String message, Object... fields) {
    return Api.answer(server, Api.CHAT, Api.chat(message, with(fields, "max_tokens", 1)))
        .at("/usage/prompt_tokens_details/cached_tokens")
        .intValue();
  }

  @Test
  void contradictionsAreRefusedWithTheFieldToChange() {
    assertEquals("best_of", refused(Api.COMPLETIONS, "n", 3, "best_of", 2));
    assertEquals("best_of", refused(Api.COMPLETIONS, "best_of", 2, "stream", true));
    assertEquals("max_tokens", refused(Api.COMPLETIONS, "max_tokens", 0));
    assertEquals("logprobs", refused(Api.COMPLETIONS, "logprobs", true));
  }

  @Test
  void beamsFindAnswersThatNoDrawDecides() {
    JsonNode once = completion("temperature", null, "num_beams", 4, "n", 2);
    JsonNode again = completion("temperature", null, "num_beams", 4, "n", 2, "seed", 7);
    assertEquals(2, once.get("choices").size());
    assertEquals(once.get("choices"), again.get("choices"));

    JsonNode drawn = completion("do_sample", true, "temperature", 1, "num_beams", 4, "seed", 7);
    JsonNode same = completion("do_sample", true, "temperature", 1, "num_beams", 4, "seed", 7);
    assertEquals(drawn.get("choices"), same.get("choices"));
  }

  @Test
  void anEchoOfWhatIsNoTokenIsTheClientsFault() {
    String body = Api.completion(List.of(999_999_999), "echo", true);
    assertEquals(
        "prompt", Api.error(Api.post(server, Api.COMPLETIONS, body)).get("param").textValue());
  }

  @Test
  void whatExcludesBeamsOrNeedsThemIsRefused() {
    assertEquals("num_beams", refused(Api.COMPLETIONS, "num_beams", 2, "stream", true));
    assertEquals("n", refused(Api.COMPLETIONS, "num_beams", 2, "n", 3));
    assertEquals("best_of", refused(Api.COMPLETIONS, "num_beams", 4, "n", 2, "best_of", 3));
    assertEquals("echo", refused(Api.COMPLETIONS, "num_beams", 2, "echo", true));
    assertEquals(
        "speculation", refused(Api.COMPLETIONS, "num_beams", 2, "speculation", "prompt-lookup"));
    assertEquals("length_penalty", refused(Api.COMPLETIONS, "length_penalty", 2));
    assertEquals("early_stopping", refused(Api.COMPLETIONS, "early_stopping", true));
    assertEquals(
        "early_stopping", refused(Api.COMPLETIONS, "num_beams", 2, "early_stopping", "always"));
    assertEquals("num_beams", refused(Api.COMPLETIONS, "num_beams", 17));
  }

  private String refused(String path, Object... fields) {
    return Api.error(Api.post(server, path, Api.completion(PROMPT, fields)))
        .get("param")
        .textValue();
  }

  @Test
  void anAnswerWhoseTimeIsUpIsCutAndSaysSo() {
    String body = Api.completion(PROMPT, "ignore_eos", true, "max_tokens", 500, "stream", true);
    Frames frames = Frames.of(List.of(postWithin("0.02", body).body()));
    List<JsonNode> events = frames.json();
    JsonNode last = events.getLast();
    if (last.has("error")) { // a busy machine may not have come to the first token
      assertEquals("deadline_exceeded", last.at("/error/code").textValue());
    } else {
      assertEquals("length", last.at("/choices/0/finish_reason").textValue());
      assertEquals("timeout", last.at("/choices/0/stop_reason").textValue());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1e3", "soon", "1000000", "0.0000001"})
  void aTimeoutThatIsNoTimeIsRefused(String seconds) {
    JsonNode error = Api.error(postWithin(seconds, Api.completion(PROMPT)));
    assertEquals("X-Request-Timeout", error.get("param").textValue());
  }

  private HttpResponse<String> postWithin(String seconds, String body) {
    return Api.send(
        Api.request(server, Api.COMPLETIONS)
            .header("Content-Type", "application/json")
            .header("X-Request-Timeout", seconds)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private JsonNode completion(Object... fields) {
    return Api.answer(server, Api.COMPLETIONS, Api.completion(PROMPT, fields));
  }

  private static Object[] with(Object[] fields, String name, Object value) {
    Object[] all = Arrays.copyOf(fields, fields.length + 2);
    all[fields.length] = name;
    all[fields.length + 1] = value;
    return all;
  }
}
