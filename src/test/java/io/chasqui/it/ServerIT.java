package io.chasqui.it;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.helpers.ChatCompletionAccumulator;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import io.chasqui.Await;
import io.chasqui.http.Api;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusIntegrationTest;
import java.net.URI;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every endpoint of the built program, on a JVM or native, answers and refuses as it should. */
@QuarkusIntegrationTest
class ServerIT {
  @TestHTTPResource("/")
  URI server;

  @ParameterizedTest
  @ValueSource(strings = {"started", "ready", "live"})
  void everyProbeTurnsUp(String probe) {
    Await.until("the probe is up", () -> given().get("/q/health/" + probe).statusCode() == 200);
    given().get("/q/health/" + probe).then().body("status", equalTo("UP"));
  }

  @Test
  void openAisClientReadsAStream() {
    OpenAIClient client =
        OpenAIOkHttpClient.builder()
            .baseUrl(server.resolve("/v1").toString())
            .apiKey("any")
            .maxRetries(0)
            .build();
    var accumulator = ChatCompletionAccumulator.create();
    try (var stream = client.chat().completions().createStreaming(question())) {
      stream.stream().forEach(chunk -> accumulator.accumulate(chunk.validate()));
    } finally {
      client.close();
    }
    var choice = accumulator.chatCompletion().choices().getFirst();
    assertEquals(
        Api.text(server, Api.chat("What is the capital of Japan?")),
        choice.message().content().orElseThrow());
  }

  private static ChatCompletionCreateParams question() {
    return ChatCompletionCreateParams.builder()
        .model("demo")
        .temperature(0.0)
        .addUserMessage("What is the capital of Japan?")
        .build();
  }

  @ParameterizedTest
  @ValueSource(strings = {"Hello", "你好", "🦙 and 🦊", " two  spaces\n\ttab ", "naïve é"})
  void tokensBecomeTheirTextAgain(String text) {
    var prompt = Api.JSON.createObjectNode().put("prompt", text).put("add_special_tokens", false);
    JsonNode tokens = Api.answer(server, "/tokenize", prompt.toString());

    JsonNode back = Api.answer(server, "/detokenize", tokens.toString());

    assertEquals(text, back.get("prompt").textValue());
  }

  @Test
  void aConversationIsTokenizedByTheModelsTemplate() {
    JsonNode tokens = Api.answer(server, "/tokenize", Api.chat("Hello"));
    JsonNode answer = Api.answer(server, Api.CHAT, Api.chat("Hello", "max_tokens", 1));

    assertEquals(answer.at("/usage/prompt_tokens").intValue(), tokens.get("count").intValue());
    String text = Api.answer(server, "/detokenize", tokens.toString()).get("prompt").textValue();
    assertEquals(1, text.split("Hello", -1).length - 1, text);
  }

  @Test
  void choicesAndBeamsAreGivenWithTheirLogProbabilities() {
    for (Object[] fields :
        List.of(new Object[] {"temperature", 1, "n", 2}, new Object[] {"num_beams", 3, "n", 2})) {
      var several = Api.JSON.createObjectNode();
      for (int i = 0; i < fields.length; i += 2) {
        several.putPOJO((String) fields[i], fields[i + 1]);
      }
      several.put("model", "demo").put("prompt", "Once upon").put("seed", 1).put("logprobs", 2);
      JsonNode answer = Api.answer(server, Api.COMPLETIONS, several.toString());
      assertEquals(2, answer.get("choices").size());
      for (JsonNode choice : answer.get("choices")) {
        assertEquals(
            choice.get("text").textValue(),
            StreamSupport.stream(choice.at("/logprobs/tokens").spliterator(), false)
                .map(JsonNode::textValue)
                .collect(Collectors.joining()));
      }
    }
    JsonNode chat =
        Api.answer(server, Api.CHAT, Api.chat("Hello", "logprobs", true, "top_logprobs", 1));
    JsonNode first = chat.at("/choices/0/logprobs/content/0");
    assertEquals(first.get("logprob"), first.at("/top_logprobs/0/logprob"));
    assertTrue(first.get("bytes").size() > 0, first.toString());
  }

  @Test
  void theModelIsListed() {
    given().get("/v1/models").then().statusCode(200).body("data.id[0]", equalTo("demo"));
    given().get("/v1/models/demo").then().statusCode(200).body("object", equalTo("model"));
  }

  @Test
  void theMemoryOfTheModelAndOfAnyShapeIsEstimated() {
    JsonNode estimate =
        Api.parse(Api.send(Api.request(server, "/v1/estimate?model=demo&batch=2")).body());
    assertEquals(2, estimate.get("batch").intValue(), estimate.toString());
    long sum = 0;
    for (JsonNode part : estimate.get("bytes")) {
      sum += part.longValue();
    }
    assertEquals(2 * estimate.at("/bytes/total").longValue(), sum);
    String shape =
        "?parameters=6e9&layers=32&hidden=4096&intermediate=11008&kv_heads=32&head_dim=128";
    estimate = Api.parse(Api.send(Api.request(server, "/v1/estimate" + shape)).body());
    assertEquals(12_000_000_000L, estimate.at("/bytes/weights").longValue());
    assertEquals(
        400, Api.send(Api.request(server, "/v1/estimate?model=demo&contxt=2")).statusCode());
  }

  @Test
  void whatIsWrongGetsOpenAisEnvelope() {
    refused(400, "invalid_json", Api.CHAT, "{\"model\":");
    refused(400, "invalid_value", Api.CHAT, Api.chat("Hello", "top_p", 2));
    refused(400, "context_length_exceeded", Api.CHAT, Api.chat("word ".repeat(2000)));
    refused(404, "model_not_found", Api.CHAT, Api.chat("Hello", "model", "gpt-4"));
    assertEquals(404, Api.send(Api.request(server, "/v1/nothing")).statusCode());
    Api.error(Api.send(Api.request(server, "/v1/nothing")));
  }

  private void refused(int status, String code, String path, String body) {
    var response = Api.post(server, path, body);
    assertEquals(status, response.statusCode(), response.body());
    assertEquals(code, Api.error(response).get("code").textValue());
  }

  @Test
  void metricsCountWhatWasGenerated() {
    Api.answer(server, Api.CHAT, Api.chat("Hello"));

    Await.until("the tokens are counted", () -> generatedTokens() > 0);
    for (String path : List.of("/q/metrics", "/metrics")) {
      given()
          .get(path)
          .then()
          .statusCode(200)
          .body(containsString("\nvllm:time_to_first_token_seconds_bucket{"));
    }
  }

  @Test
  void metricsTellTheKernelsAndTheColdStart() {
    Await.until("the model is ready", () -> given().get("/q/health/ready").statusCode() == 200);
    String metrics = given().get("/q/metrics").asString();

    assertTrue(metrics.contains("\nchasqui_kernels_info{kernels=\""), metrics);
    for (String phase : List.of("runtime", "listen", "load", "ready")) {
      String count = "\nchasqui_cold_start_seconds_count{phase=\"%s\"} 1.0\n".formatted(phase);
      assertTrue(metrics.contains(count), metrics);
    }
  }

  private static double generatedTokens() {
    String series = "vllm:generation_tokens_total ";
    return given()
        .get("/q/metrics")
        .asString()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToDouble(line -> Double.parseDouble(line.substring(series.length())))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void thePageIsServed() {
    given()
        .get("/")
        .then()
        .statusCode(200)
        .contentType(startsWith("text/html"))
        .body("html.head.title.size()", greaterThan(0));
  }
}
