package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever is sent, the answer is an error that says what to change, and the server goes on. */
@QuarkusTest
class BadRequestsTest {
  private static final String HELLO = "[{\"role\":\"user\",\"content\":\"Hello\"}]";

  @TestHTTPResource("/")
  URI server;

  @Inject RequestMemory memory;

  @AfterEach
  void theServerStillAnswers() {
    JsonNode answer = Api.answer(server, Api.CHAT, Api.chat("Hello", "max_tokens", 1));
    assertEquals(1, answer.at("/usage/completion_tokens").intValue());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "}",
        "nonsense",
        "null",
        "5",
        "\"text\"",
        "[]",
        "[{}]",
        "{} {}",
        "{}]",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":NaN}",
        "{\"a\":+1}",
        "{\"a\":01}",
        "{\"a\":.5}",
        "{/**/}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud8\"}",
        "{\"model\":\"demo\",\"model\":\"demo\"}"
      })
  void aBodyThatIsNotOneJsonObjectIsRefused(String body) {
    for (String path : new String[] {Api.CHAT, Api.COMPLETIONS, "/tokenize", "/detokenize"}) {
      JsonNode error = refused(400, Api.post(server, path, body));
      assertEquals("invalid_json", error.get("code").textValue());
      assertTrue(error.get("param").isNull());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":", "{\"messages\":["})
  void deepNestingIsRefused(String opening) {
    refused(400, Api.post(server, Api.CHAT, opening.repeat(100_000)));
  }

  @Test
  void aNumberOfManyDigitsIsRefused() {
    refused(400, Api.post(server, Api.CHAT, "{\"seed\":" + "9".repeat(200_000) + "}"));
  }

  @Test
  void invalidUtf8IsRefused() {
    byte[] body = Api.chat("Hello").getBytes(StandardCharsets.ISO_8859_1);
    for (int invalid : new int[] {0xFF, 0xC0, 0x80, 0xED}) {
      byte[] broken = body.clone();
      broken[new String(body, StandardCharsets.ISO_8859_1).indexOf("Hello")] = (byte) invalid;
      refused(400, post("application/json", BodyPublishers.ofByteArray(broken)));
    }
  }

  static Stream<Arguments> wrongValues() {
    String text = "\"text\"";
    return Stream.of(
            of("model", "5", "true", "[]", "{}", "null"),
            of("messages", text, "5", "{}", "null", "[]", "[5]", "[null]", "[[]]", "[\"hi\"]"),
            of("messages", "[{}]", "[{\"role\":\"user\"}]", "[{\"content\":\"hi\"}]"),
            of("messages", message("5", text), message("null", text), message(text, text)),
            of("messages", message("\"tool\"", text), message("\"User\"", text)),
            of("messages", content("null"), content("5"), content("{}"), content("[]")),
            of("messages", content("[5]"), content("[{}]"), content("[\"a\"]")),
            of("messages", content("[{\"type\":\"text\"}]")),
            of("messages", content("[{\"type\":\"text\",\"text\":5}]")),
            of("messages", content("[{\"type\":5,\"text\":\"a\"}]")),
            of("messages", content("[{\"type\":\"image_url\",\"image_url\":{\"url\":\"a\"}}]")),
            of("messages", content("\"half \\ud83e\""), content("\"\\udd99 half\"")),
            of("stream", text, "1", "[]", "\"true\""),
            of("stream_options", text, "5", "{\"include_usage\":true}"),
            of("max_tokens", text, "0", "-1", "1.5", "1e99", "99999999999", "\"5\"", "[]", "true"),
            of("max_completion_tokens", text, "0", "-1", "1e99", "99999999999", "{}"),
            of("temperature", text, "-1", "3", "\"NaN\"", "\"1\"", "1e999", "-1e-9", "[1]", "true"),
            of("top_p", text, "-0.1", "2", "1e999", "{}", "\"\\ud800\""),
            of("top_k", text, "-2", "1.5", "99999999999"),
            of("seed", text, "\"1\"", "1.5", "1e99", "99999999999999999999", "[]"),
            of("stop", "\"\"", "5", "[5]", "[\"\"]", "[null]", "{}", "true", "[[\"a\"]]"),
            of("stop", "[" + "\"a\",".repeat(16) + "\"a\"]"),
            of("stop", "\"" + "a".repeat(2000) + "\"", "\"\\udd99\"", "[\"a\",\"\\ud83e\"]"),
            of("do_sample", "1", text, "[]"),
            of("min_p", text, "-0.1", "1.1", "true"),
            of("typical_p", text, "-0.1", "1.1", "[]"),
            of("repetition_penalty", text, "0", "-1", "1e9"),
            of("frequency_penalty", text, "3", "-2.5", "\"1\""),
            of("presence_penalty", text, "3", "true"),
            of("no_repeat_ngram_size", text, "-1", "1.5"),
            of("logit_bias", "5", "true", text, "[1]", "{\"a\":1}", "{\"-1\":1}", "{\"05\":1}"),
            of("logit_bias", "{\"5\":101}", "{\"5\":\"1\"}", "{\"5\":null}", "{\"2048\":1}"),
            of("min_tokens", text, "-1", "1.5"),
            of("ignore_eos", text, "1"),
            of("stop_token_ids", text, "5", "{}", "[\"5\"]", "[1.5]", "[-1]", "[2048]"),
            of("stop_token_ids", "[" + "5,".repeat(64) + "5]"),
            of("tools", "5", "true", text, "[{\"type\":\"function\"}]"),
            of("functions", "5", "[{}]"),
            of("speculation", "true", "5", "{}", text, "\"\"", "\"Off\"", "\"PROMPT_LOOKUP\""),
            of("n", "0", "-1", "1.5", text, "65"),
            of("best_of", text, "0", "65"),
            of("logprobs", "5", text),
            of("top_logprobs", text, "-1", "21", "5"),
            of("echo", "true", "5", text),
            of("priority", text, "1.5", "true"),
            of("cache_salt", "5", "{}", "\"\\ud800\""),
            of("cache_prompt", "5", text),
            of("response_format", "5", text, "{\"type\":\"json_object\"}", "{\"type\":5}"))
        .flatMap(each -> each);
  }

  private static Stream<Arguments> of(String field, String... values) {
    return Arrays.stream(values).map(value -> arguments(field, value));
  }

  private static String message(String role, String content) {
    return "[{\"role\":" + role + ",\"content\":" + content + "}]";
  }

  private static String content(String content) {
    return message("\"user\"", content);
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void aWrongValueIsRefusedAndItsFieldNamed(String field, String value) {
    JsonNode error = refused(400, Api.post(server, Api.CHAT, chatWith(field, value)));

    String param = error.get("param").asText();
    assertTrue(param.equals(field) || param.matches(field + "[\\[.].*"), error.toString());
    assertEquals("invalid_request_error", error.get("type").textValue());
  }

  @ParameterizedTest
  @CsvSource({
    "do_sample, true, temperature, 0",
    "do_sample, false, temperature, 0.8",
    "do_sample, false, top_k, 40",
    "do_sample, false, top_p, 0.9",
    "do_sample, false, min_p, 0.1",
    "do_sample, false, typical_p, 0.9",
    "min_tokens, 5, max_tokens, 4",
  })
  void fieldsThatContradictEachOtherAreRefusedAndBothNamed(
      String one, String value, String other, String otherValue) {
    for (String stream : new String[] {"true", "false"}) {
      String body =
          "{\"model\":\"demo\",\"messages\":%s,\"stream\":%s,\"%s\":%s,\"%s\":%s}"
              .formatted(HELLO, stream, one, value, other, otherValue);
      JsonNode error = refused(400, Api.post(server, Api.CHAT, body));
      assertEquals(one, error.get("param").textValue());
      for (String name : new String[] {one, other}) {
        assertTrue(error.get("message").textValue().contains("'" + name + "'"), error.toString());
      }
    }
  }

  private static String chatWith(String field, String value) {
    Map<String, String> body = new HashMap<>(Map.of("model", "\"demo\"", "messages", HELLO));
    body.put(field, value);
    return body.entrySet().stream()
        .map(each -> "\"%s\":%s".formatted(each.getKey(), each.getValue()))
        .collect(Collectors.joining(",", "{", "}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "5",
        "true",
        "{}",
        "{\"a\":\"b\"}",
        "[]",
        "[\"a\",\"b\"]",
        "[[1,2]]",
        "[1.5]",
        "[1,\"a\"]",
        "[null]",
        "[-1]",
        "[2048]",
        "[99999999999]",
        "\"\\ud83e\""
      })
  void aPromptThatIsNeitherTextNorTokenIdsIsRefused(String prompt) {
    String body = "{\"model\":\"demo\",\"prompt\":%s}".formatted(prompt);
    JsonNode error = refused(400, Api.post(server, Api.COMPLETIONS, body));
    assertTrue(error.get("param").asText().startsWith("prompt"), error.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"tokens\":null}",
        "{\"tokens\":5}",
        "{\"tokens\":\"a\"}",
        "{\"tokens\":[\"a\"]}",
        "{\"tokens\":[-1]}",
        "{\"tokens\":[2048]}",
        "{\"tokens\":[1e9]}",
        "{\"tokens\":[[1]]}"
      })
  void tokensThatAreNoneAreRefused(String body) {
    JsonNode error = refused(400, Api.post(server, "/detokenize", body));
    assertTrue(error.get("param").asText().startsWith("tokens"), error.toString());
  }

  @Test
  void aPromptLongerThanTheContextSaysByHowMuch() {
    String long3Megabytes = "abc ".repeat(750_000);
    JsonNode error = refused(400, Api.post(server, Api.CHAT, Api.chat(long3Megabytes)));
    assertEquals("context_length_exceeded", error.get("code").textValue());
    assertTrue(error.get("message").asText().contains("512"), error.toString());

    int[] fills = new int[512];
    error = refused(400, Api.post(server, Api.COMPLETIONS, Api.completion(fills)));
    assertEquals("context_length_exceeded", error.get("code").textValue());
  }

  @ParameterizedTest
  @ValueSource(strings = {"gpt-4", "", "Demo", "demo ", "\uD800", "a/b", "%s%n"})
  void anUnknownModelIsNotFound(String model) throws Exception {
    for (String path : new String[] {Api.CHAT, Api.COMPLETIONS}) {
      String name = model.equals("\uD800") ? "\"\\ud800\"" : Api.JSON.writeValueAsString(model);
      JsonNode error =
          refused(
              404,
              Api.post(
                  server,
                  path,
                  "{\"model\":%s,\"prompt\":\"a\",\"messages\":%s}".formatted(name, HELLO)));
      assertEquals("model_not_found", error.get("code").textValue());
      assertEquals("model", error.get("param").textValue());
      assertEquals(-1, error.get("message").textValue().indexOf('\uD800'));
    }
  }

  @Test
  void aNameOfAMegabyteIsNotRepeated() {
    refused(404, Api.post(server, Api.CHAT, Api.chat("Hello", "model", "x".repeat(1_000_000))));
    refused(404, Api.post(server, Api.CHAT, Api.chat("Hello", "model", "🦙".repeat(100_000))));
  }

  @ParameterizedTest
  @CsvSource({
    "GET,/foo, 404",
    "POST,/v1, 404",
    "POST,/v1/chat, 404",
    "POST,/v1/embeddings, 404",
    "GET,/v1/models/gpt-4, 404",
    "GET,/v1/models/owner/name, 404",
    "GET,/v1/chat/completions, 405",
    "PUT,/v1/chat/completions, 405",
    "DELETE,/v1/models, 405",
    "POST,/v1/models, 405",
    "GET,/tokenize, 405",
    "DELETE,/q/health, 405",
    "POST,/q/health/live, 405",
    "POST,/q/metrics, 405",
    "PUT,/, 405",
    "PUT,/metrics, 405",
    "OPTIONS,/foo, 404",
    "OPTIONS,/v1/foo, 404",
    "OPTIONS,/q/foo, 404"
  })
  void aWrongPathOrMethodGetsTheEnvelope(String method, String path, int status) {
    refused(status, Api.send(Api.request(server, path).method(method, BodyPublishers.noBody())));
  }

  @ParameterizedTest
  @CsvSource({
    "PUT, /v1/chat/completions, 'POST, OPTIONS'",
    "OPTIONS, /v1/chat/completions, 'POST, OPTIONS'",
    "DELETE, /q/health/ready, 'GET, HEAD, OPTIONS'",
    "OPTIONS, /q/health, 'GET, HEAD, OPTIONS'",
    "OPTIONS, /v1/models/demo, 'GET, HEAD, OPTIONS'",
    "OPTIONS, /, 'GET, HEAD, OPTIONS'"
  })
  void aPathTellsItsMethods(String method, String path, String allowed) {
    HttpResponse<String> response =
        Api.send(Api.request(server, path).method(method, BodyPublishers.noBody()));

    assertEquals(method.equals("OPTIONS") ? 200 : 405, response.statusCode());
    assertEquals(allowed, response.headers().firstValue("Allow").orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/metrics", "/q/metrics", "/q/health", "/v1/models", "/v1/estimate"})
  void whatIsReadHasAHead(String path) {
    HttpResponse<String> response =
        Api.send(Api.request(server, path).method("HEAD", BodyPublishers.noBody()));

    assertEquals(200, response.statusCode());
  }

  @ParameterizedTest
  @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", "multipart/form-data"})
  void anotherContentTypeIsRefused(String contentType) {
    refused(415, post(contentType, BodyPublishers.ofString(Api.chat("Hello"))));
  }

  @Test
  void aBodyWithoutContentTypeIsReadAsJson() {
    var request = Api.request(server, Api.CHAT).POST(BodyPublishers.ofString(Api.chat("Hello")));
    assertEquals(200, Api.send(request).statusCode());
  }

  @Test
  void aBodyThatIsTooLargeIsRefusedWithAndWithoutItsLength() {
    byte[] body = new byte[memory.largestBody() + 1];
    Arrays.fill(body, (byte) ' ');
    for (BodyPublisher publisher :
        new BodyPublisher[] {
          BodyPublishers.ofByteArray(body),
          BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))
        }) {
      JsonNode error = refused(413, post("application/json", publisher));
      assertEquals("body_too_large", error.get("code").textValue());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[],", "{\"\":{}},", "1e9,", "\"\",", "{\"role\":\"user\",\"content\":\"a\"},"})
  void aBodyOfMoreValuesThanAPromptCanNeedIsRefused(String value) {
    String values = value.repeat((memory.largestBody() - 100) / value.length());
    String body = "{\"model\":\"demo\",\"messages\":[%s0]}".formatted(values);

    JsonNode error = refused(413, Api.post(server, Api.CHAT, body));

    assertEquals("body_too_large", error.get("code").textValue());
    assertTrue(error.get("message").textValue().contains("more values"), error.toString());
  }

  @Test
  void moreTokenIdsThanAContextCanHoldAreNotDetokenized() {
    String ids = "1,".repeat(9000);

    JsonNode error =
        refused(400, Api.post(server, "/detokenize", "{\"tokens\":[%s1]}".formatted(ids)));

    assertEquals("tokens", error.get("param").textValue());
  }

  @Test
  void aBodyOfTheLargestSizeIsRead() {
    String chat = Api.chat("Hello", "max_tokens", 1);
    String body = chat + " ".repeat(memory.largestBody() - chat.length());
    assertEquals(200, Api.post(server, Api.CHAT, body).statusCode());
  }

  @Test
  void fieldsThatAreUnknownOrNullAreIgnored() {
    String body =
        """
        {"model":"demo","messages":%s,"max_tokens":2,"temperature":0,"user":"me","metadata":{"a":[1]},
         "store":true,"tool_choice":"none","parallel_tool_calls":true,"no_such_field":{"deep":[null]},
         "stop":null,"seed":null,"top_p":null,"n":null,"stream":null,"stream_options":null,
         "tools":null,"logit_bias":null,"response_format":null,"logprobs":null,"top_logprobs":null}
        """
            .formatted(HELLO);
    JsonNode answer = Api.answer(server, Api.CHAT, body);
    assertEquals(2, answer.at("/usage/completion_tokens").intValue());
  }

  /** Bodies that were valid until some of their bytes were changed, moved, doubled or cut off. */
  @Test
  void noMutatedBodyIsTheServersFault() {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    byte[][] valid = {
      chatWith("max_tokens", "1").getBytes(StandardCharsets.UTF_8),
      Api.completion("你好 🦙", "max_tokens", 1, "stop", "\n").getBytes(StandardCharsets.UTF_8),
      Api.completion(new int[] {5, 6}, "max_tokens", 1, "top_p", 0.5, "seed", 7)
          .getBytes(StandardCharsets.UTF_8),
      "{\"tokens\":[5,6],\"prompt\":\"a\"}".getBytes(StandardCharsets.UTF_8)
    };
    String[] paths = {Api.CHAT, Api.COMPLETIONS, Api.COMPLETIONS, "/detokenize", "/tokenize"};
    for (int i = 0; i < 2000; i++) {
      byte[] body = mutate(valid[random.nextInt(valid.length)], random);
      String path = paths[random.nextInt(paths.length)];
      HttpResponse<String> response =
          Api.send(
              Api.request(server, path)
                  .header("Content-Type", "application/json")
                  .POST(BodyPublishers.ofByteArray(body)));
      if (response.statusCode() != 200) {
        String sent = new String(body, StandardCharsets.ISO_8859_1);
        assertTrue(
            response.statusCode() / 100 == 4,
            () -> "seed %d: %s %s -> %s".formatted(seed, path, sent, response.body()));
        Api.error(response);
      }
    }
  }

  private static byte[] mutate(byte[] valid, Random random) {
    StringBuilder body = new StringBuilder(new String(valid, StandardCharsets.ISO_8859_1));
    String[] tokens = {
      "{",
      "}",
      "[",
      "]",
      "\"",
      ",",
      ":",
      "null",
      "true",
      "-1",
      "1e999",
      "0.5",
      "\\ud800",
      "{}",
      "[]",
      "\u00FF",
      "\\",
      "99999999999999999999",
      "\"a\":",
      "{\"a\":\"b\"}",
      "\u0000",
      "[\"a\"]"
    };
    for (int n = random.nextInt(1, 4); n > 0; n--) {
      int at = random.nextInt(body.length());
      int to = Math.min(body.length(), at + random.nextInt(1, 12));
      String token = tokens[random.nextInt(tokens.length)];
      switch (random.nextInt(5)) {
        case 0 -> body.insert(at, token);
        case 1 -> body.replace(at, at + 1, token);
        case 2 -> body.insert(at, body.substring(at, to));
        case 3 -> replaceAValue(body, at, token);
        default -> body.delete(at, to);
      }
      if (body.isEmpty()) {
        body.append(token);
      }
    }
    return body.toString().getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Keeps the JSON whole more often than not, so that it gets past the parser. */
  private static void replaceAValue(StringBuilder body, int near, String token) {
    int colon = body.indexOf("\":", near);
    if (colon >= 0) {
      int from = colon + 2;
      int next = body.indexOf(",\"", from);
      int to = next < 0 ? body.length() - 1 : next;
      body.replace(from, Math.max(from, to), token);
    }
  }

  private HttpResponse<String> post(String contentType, BodyPublisher body) {
    HttpRequest.Builder request = Api.request(server, Api.CHAT);
    return Api.send(request.header("Content-Type", contentType).POST(body));
  }

  private static JsonNode refused(int status, HttpResponse<String> response) {
    assertEquals(status, response.statusCode(), response.body());
    return Api.error(response);
  }
}
