package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.chasqui.http.Api;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the built program writes holds nothing that a client has sent or got, and no key. */
class PrivateLogsIT {
  /** In prompts, and wherever else a client may put a piece of one by mistake. */
  private static final String PROMPT = "zqxjkvwbprompt";

  /** A word of the demo model's, of one token, which all answers consist of. */
  private static final String ANSWER = "turtle";

  private static final String KEY = "sk-zqxjkvwb-the-right-key";
  private static final String WRONG_KEY = "sk-zqxjkvwb-a-wrong-key";
  private static final String BROKEN_KEY = "sk-zqxjkvwb-in-a-wrong-line";

  private static final String LEVEL = "QUARKUS_LOG_LEVEL";
  private static final String EACH_REQUEST = "QUARKUS_HTTP_ACCESS_LOG_ENABLED";
  private static final String JSON = "QUARKUS_LOG_CONSOLE_JSON_ENABLED";

  /** As it is shipped, and all that can be had of it. */
  static List<Map<String, String>> logs() {
    return List.of(
        Map.of(),
        Map.of(LEVEL, "DEBUG", EACH_REQUEST, "true"),
        Map.of(LEVEL, "DEBUG", EACH_REQUEST, "true", JSON, "true"));
  }

  /** A request, and the status that it gets. */
  private record Sent(int status, HttpRequest.Builder request) {}

  @TempDir Path directory;

  private URI server;

  @ParameterizedTest
  @MethodSource("logs")
  void theLogHasTheIdsOfRequestsAndNothingElseOfThem(Map<String, String> logging) throws Exception {
    Path keys = Files.writeString(directory.resolve("keys"), "team " + KEY + "\n");
    var settings = new HashMap<>(logging);
    settings.put("CHASQUI_API_KEYS_FILE", keys.toString());
    String log;
    List<String> ids = new ArrayList<>();
    try (var process = new BuiltServer("demo", directory.resolve("log"), settings)) {
      server = process.readyUri();
      for (Sent each : requests()) {
        String id = "request-" + ids.size() + "-of-the-test";
        HttpResponse<String> response = Api.send(each.request().setHeader("X-Request-Id", id));
        assertEquals(each.status(), response.statusCode(), response.body());
        ids.add(id);
      }
      leaveAStream();
      Files.writeString(keys, "team " + BROKEN_KEY + " requests=never\n");
      Await.until(
          "the keys are read", () -> process.output().contains("its keys stay as they are"));
      process.terminate();
      assertEquals(0, process.exitCode());
      log = process.output();
    }

    assertTrue(log.contains("Model demo is ready"), log);
    assertEquals(logging.containsKey(LEVEL), log.contains("DEBUG"));
    for (String each : List.of(PROMPT, ANSWER, KEY, WRONG_KEY, BROKEN_KEY)) {
      assertEquals(List.of(), log.lines().filter(line -> line.contains(each)).toList());
    }
    for (String id : logging.containsKey(EACH_REQUEST) ? ids : List.<String>of()) {
      assertTrue(log.lines().anyMatch(line -> line.contains(id)), "no line about " + id);
    }
  }

  private List<Sent> requests() {
    Map<String, Integer> bias = Map.of(answerToken(), 100);
    String chat = Api.chat(PROMPT, "logit_bias", bias, "max_tokens", 4);
    assertAnswered(chat);
    return Stream.of(answered(chat, bias), malformed(), wrongFields(), wrongHeaders(chat))
        .flatMap(List::stream)
        .toList();
  }

  private List<Sent> answered(String chat, Map<String, Integer> bias) {
    List<Sent> all = new ArrayList<>();
    all.add(new Sent(200, post(Api.CHAT, chat)));
    all.add(new Sent(200, post(Api.CHAT, chat).version(HttpClient.Version.HTTP_2)));
    all.add(new Sent(200, post("/tokenize", "{\"prompt\": \"%s\"}".formatted(PROMPT))));
    for (boolean stream : List.of(false, true)) {
      Object[] fields = {"logit_bias", bias, "max_tokens", 4, "stream", stream};
      all.add(new Sent(200, post(Api.CHAT, Api.chat(PROMPT, fields))));
      all.add(new Sent(200, post(Api.COMPLETIONS, Api.completion(PROMPT, fields))));
    }
    all.add(new Sent(200, post(Api.COMPLETIONS, Api.completion(PROMPT, "echo", true))));
    return all;
  }

  private List<Sent> malformed() {
    return Stream.of(
            "{\"prompt\": \"%s", "{\"prompt\": %s}", "{\"%1$s\": 1, \"%1$s\": 2}", "[\"%s\"]")
        .map(body -> new Sent(400, post(Api.COMPLETIONS, body.formatted(PROMPT))))
        .toList();
  }

  private List<Sent> wrongFields() {
    List<Sent> all = new ArrayList<>();
    String tooLong = (PROMPT + " ").repeat(500);
    all.add(new Sent(400, post(Api.COMPLETIONS, Api.completion(tooLong))));
    all.add(new Sent(400, post(Api.CHAT, Api.chat(tooLong, "stream", true))));
    for (String field : List.of("temperature", "max_tokens", "stream", "messages", "logit_bias")) {
      all.add(new Sent(400, post(Api.CHAT, Api.chat("Hello", field, PROMPT))));
    }
    for (Object wrong :
        List.of(PROMPT, Map.of("role", PROMPT), Map.of("role", "user", "content", 1))) {
      all.add(new Sent(400, post(Api.CHAT, Api.chat("", "messages", List.of(wrong)))));
    }
    all.add(new Sent(400, post(Api.COMPLETIONS, Api.completion(Map.of("text", PROMPT)))));
    all.add(new Sent(404, post(Api.COMPLETIONS, Api.completion("Hello", "model", PROMPT))));
    all.add(new Sent(400, post("/detokenize", "{\"tokens\": \"%s\"}".formatted(PROMPT))));
    return all;
  }

  private List<Sent> wrongHeaders(String chat) {
    List<Sent> all = new ArrayList<>();
    all.add(new Sent(415, post(Api.CHAT, chat).setHeader("Content-Type", "text/plain")));
    for (String header : List.of("Last-Event-ID", "X-Request-Timeout")) {
      all.add(new Sent(400, post(Api.CHAT, chat).setHeader(header, PROMPT)));
    }
    for (String wrong : List.of("Bearer " + WRONG_KEY, "Basic " + KEY, KEY)) {
      all.add(new Sent(401, post(Api.CHAT, chat).setHeader("Authorization", wrong)));
    }
    return all;
  }

  private HttpRequest.Builder post(String path, String body) {
    return Api.request(server, path)
        .setHeader("Content-Type", "application/json")
        .setHeader("Authorization", "Bearer " + KEY)
        .POST(HttpRequest.BodyPublishers.ofString(body));
  }

  private JsonNode answer(HttpRequest.Builder request) {
    return Api.parse(Api.send(request).body());
  }

  private String answerToken() {
    String word = "{\"prompt\": \" %s\", \"add_special_tokens\": false}".formatted(ANSWER);
    JsonNode tokens = answer(post("/tokenize", word)).get("tokens");
    assertEquals(1, tokens.size(), "'%s' is not one token".formatted(ANSWER));
    return tokens.get(0).asText();
  }

  private void assertAnswered(String chat) {
    String text = answer(post(Api.CHAT, chat)).at("/choices/0/message/content").asText();
    assertTrue(text.contains(ANSWER), text);
  }

  /** Begins to read a stream and goes. */
  private void leaveAStream() throws Exception {
    String body = Api.completion(PROMPT, "stream", true, "max_tokens", 400, "ignore_eos", true);
    try (var socket = new Socket(server.getHost(), server.getPort())) {
      String request =
          "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s"
              .formatted(Api.COMPLETIONS, KEY, body.length(), body);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      assertNotEquals(-1, socket.getInputStream().read());
    }
  }

  @Test
  void noHeaderCommandsTheTerminalThatShowsAnAccessLog() throws Exception {
    var settings = Map.of(EACH_REQUEST, "true", "QUARKUS_HTTP_ACCESS_LOG_PATTERN", "combined");
    try (var process = new BuiltServer("demo", directory.resolve("log"), settings);
        var client = new Socket(process.uri().getHost(), process.uri().getPort())) {
      String head = "GET / HTTP/1.1\r\nHost: test\r\nUser-Agent: the\u009B31mclient\r\n\r\n";
      client.getOutputStream().write(head.getBytes(StandardCharsets.UTF_8));

      Await.until("the request is logged", () -> process.output().contains("31mclient"));

      assertEquals(-1, process.output().indexOf('\u009B'));
    }
  }
}
