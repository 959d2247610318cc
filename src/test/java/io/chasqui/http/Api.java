package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A plain client of the HTTP API, and the bodies that the tests send. */
public final class Api {
  public static final String CHAT = "/v1/chat/completions";
  public static final String COMPLETIONS = "/v1/completions";

  /** Greedily answered with about a hundred tokens. */
  static final String STORY = "Tell me a story about a fox";

  public static final ObjectMapper JSON = new ObjectMapper();

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private Api() {}

  /** A greedy chat of one message; further fields come as name, value, name, value. */
  public static String chat(String content, Object... fields) {
    var body = new LinkedHashMap<String, Object>();
    body.put("model", "demo");
    body.put("messages", List.of(Map.of("role", "user", "content", content)));
    return json(body, fields);
  }

  /** A greedy completion of a prompt, which is a string or a list of token ids. */
  public static String completion(Object prompt, Object... fields) {
    var body = new LinkedHashMap<String, Object>();
    body.put("model", "demo");
    body.put("prompt", prompt);
    return json(body, fields);
  }

  private static String json(Map<String, Object> body, Object... fields) {
    body.put("temperature", 0);
    for (int i = 0; i < fields.length; i += 2) {
      body.put((String) fields[i], fields[i + 1]);
    }
    try {
      return JSON.writeValueAsString(body);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  public static HttpResponse<String> post(URI server, String path, String body) {
    return send(
        request(server, path)
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  public static HttpRequest.Builder request(URI server, String path) {
    return HttpRequest.newBuilder(server.resolve(path)).timeout(Duration.ofMinutes(2));
  }

  public static HttpResponse<String> send(HttpRequest.Builder request) {
    try {
      return CLIENT.send(
          request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IllegalStateException("the server gave no answer", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  public static JsonNode parse(String json) {
    try {
      return JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + json, e);
    }
  }

  public static JsonNode answer(URI server, String path, String body) {
    HttpResponse<String> response = post(server, path, body);
    assertEquals(200, response.statusCode(), response.body());
    return parse(response.body());
  }

  /** The text of a chat that is not streamed. */
  public static String text(URI server, String body) {
    return answer(server, CHAT, body).at("/choices/0/message/content").textValue();
  }

  /** The error of a response, which must be OpenAI's envelope and tell nothing of our insides. */
  public static JsonNode error(HttpResponse<String> response) {
    int status = response.statusCode();
    String body = response.body();
    assertTrue(status >= 400 && status < 500, status + ": " + body);
    JsonNode error = parse(body).path("error");
    assertEquals(
        List.of("message", "type", "param", "code"),
        error.properties().stream().map(Map.Entry::getKey).toList(),
        body);
    assertFalse(error.get("message").asText().isBlank(), body);
    assertFalse(error.get("type").asText().isBlank(), body);
    assertTrue(body.length() < 1000, () -> "an error of " + body.length() + " characters");
    for (String ours : List.of("Exception", "java.", "com.", "io.", "Feature", "\\tat ", "Read")) {
      assertFalse(body.contains(ours), body);
    }
    return error;
  }
}
