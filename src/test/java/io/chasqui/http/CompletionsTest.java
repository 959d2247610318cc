package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Plain completions, tokens, models, and many clients at once. */
@QuarkusTest
class CompletionsTest {
  private static final int CLIENTS = 40;

  @TestHTTPResource("/")
  URI server;

  @Test
  void aCompletionHasSixteenTokensUnlessToldOtherwise() {
    JsonNode answer = Api.answer(server, Api.COMPLETIONS, Api.completion("Once upon"));

    assertEquals("text_completion", answer.get("object").textValue());
    assertTrue(answer.get("id").textValue().startsWith("cmpl-"));
    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
    assertEquals(16, answer.at("/usage/completion_tokens").intValue());
    assertEquals(3, answer.at("/usage/prompt_tokens").intValue());
    assertEquals(19, answer.at("/usage/total_tokens").intValue());
  }

  @Test
  void aPromptMayFillTheContextButForOneToken() {
    List<Integer> prompt = Collections.nCopies(511, 100);

    JsonNode answer = Api.answer(server, Api.COMPLETIONS, Api.completion(prompt));

    assertEquals("length", answer.at("/choices/0/finish_reason").textValue());
    assertEquals(1, answer.at("/usage/completion_tokens").intValue());
  }

  @Test
  void tokenIdsAreTheSamePromptAsTheirText() {
    JsonNode tokens = tokenize("{\"prompt\":\"Once upon\"}").get("tokens");
    List<Object> prompts = List.of("Once upon", List.of("Once upon"), tokens);

    List<String> texts = new ArrayList<>();
    for (Object prompt : prompts) {
      JsonNode answer = Api.answer(server, Api.COMPLETIONS, Api.completion(prompt));
      assertEquals(tokens.size(), answer.at("/usage/prompt_tokens").intValue());
      texts.add(answer.at("/choices/0/text").textValue());
    }
    assertEquals(List.of(texts.get(0), texts.get(0), texts.get(0)), texts);
  }

  @ParameterizedTest
  @ValueSource(strings = {"Hello", "你好", "🦙 and 🦊", " two  spaces\n\ttab ", "naïve é \u0000"})
  void tokensBecomeTheirTextAgain(String text) throws Exception {
    String quoted = Api.JSON.writeValueAsString(text);
    JsonNode tokens = tokenize("{\"prompt\":%s,\"add_special_tokens\":false}".formatted(quoted));

    assertEquals(tokens.get("count").intValue(), tokens.get("tokens").size());
    assertEquals(512, tokens.get("max_model_len").intValue());
    JsonNode back =
        Api.answer(server, "/detokenize", "{\"tokens\":%s}".formatted(tokens.get("tokens")));
    assertEquals(text, back.get("prompt").textValue());
  }

  @Test
  void aConversationIsTokenizedAsAChatWouldBe() {
    String body = Api.chat("What is 3 + 4?");
    JsonNode tokens = tokenize(body);

    JsonNode answer = Api.answer(server, Api.CHAT, body);
    assertEquals(answer.at("/usage/prompt_tokens"), tokens.get("count"));
    JsonNode text =
        Api.answer(server, "/detokenize", "{\"tokens\":%s}".formatted(tokens.get("tokens")));
    assertTrue(
        text.get("prompt").textValue().endsWith("3 + 4?<|im_end|>\n<|im_start|>assistant\n"),
        text.toString());
  }

  private JsonNode tokenize(String body) {
    return Api.answer(server, "/tokenize", body);
  }

  @Test
  void partsOfAMessageAreOneText() {
    String parts =
        """
        {"model":"demo","temperature":0,"messages":[{"role":"user","content":
         [{"type":"text","text":"What is "},{"type":"text","text":"3 + 4?"}]}]}
        """;
    assertEquals(Api.text(server, Api.chat("What is 3 + 4?")), Api.text(server, parts));
  }

  @Test
  void bothNamesOfTheTokenLimitCountAndMustNotDiffer() {
    for (Object[] limits :
        List.of(
            new Object[] {"max_tokens", 4},
            new Object[] {"max_completion_tokens", 4},
            new Object[] {"max_tokens", 4, "max_completion_tokens", 4})) {
      JsonNode answer = Api.answer(server, Api.CHAT, Api.chat(Api.STORY, limits));
      assertEquals(4, answer.at("/usage/completion_tokens").intValue());
    }
    String differing = Api.chat(Api.STORY, "max_tokens", 9, "max_completion_tokens", 4);
    JsonNode error = Api.error(Api.post(server, Api.CHAT, differing));
    assertEquals("max_tokens", error.get("param").textValue());
  }

  @Test
  void theModelIsListed() {
    HttpResponse<String> response = Api.send(Api.request(server, "/v1/models").GET());

    JsonNode list = Api.parse(response.body());
    assertEquals("list", list.get("object").textValue());
    assertEquals(1, list.get("data").size());
    JsonNode model = list.at("/data/0");
    assertEquals("demo", model.get("id").textValue());
    assertEquals("model", model.get("object").textValue());
    assertTrue(model.get("created").longValue() > 1_700_000_000L, model.toString());
    assertEquals("chasqui", model.get("owned_by").textValue());
    assertEquals(512, model.get("max_model_len").intValue());
    assertEquals(model, Api.parse(Api.send(Api.request(server, "/v1/models/demo").GET()).body()));
  }

  @Test
  void everyOneOfManyClientsGetsItsOwnAnswer() throws Exception {
    Map<String, String> alone = new HashMap<>();
    List<Callable<Map.Entry<String, String>>> requests = new ArrayList<>();
    for (int i = 0; i < CLIENTS; i++) {
      String body = Api.chat("What is %d + %d?".formatted(i % 7, i / 7), "max_tokens", 12);
      alone.put(body, Api.text(server, body));
      requests.add(() -> Map.entry(body, answerOfABusyServer(body)));
    }
    assertTrue(alone.values().stream().distinct().count() > 10, alone.toString());

    try (var clients = Executors.newFixedThreadPool(CLIENTS)) {
      for (var answer : clients.invokeAll(requests)) {
        assertEquals(alone.get(answer.get().getKey()), answer.get().getValue());
      }
    }
  }

  private String answerOfABusyServer(String body) {
    var last = new AtomicReference<HttpResponse<String>>();
    Await.until(
        "the server has room",
        () -> {
          last.set(Api.post(server, Api.CHAT, body));
          return last.get().statusCode() != 429;
        });
    assertEquals(200, last.get().statusCode(), last.get().body());
    return Api.parse(last.get().body()).at("/choices/0/message/content").textValue();
  }
}
