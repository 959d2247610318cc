package io.chasqui.benchmark.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.chasqui.benchmark.servers.ServerMetrics;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.StreamSupport;

/** A server with OpenAI's API. */
public final class Endpoint implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration TO_CONNECT = Duration.ofSeconds(10);
  private static final Duration TO_ANSWER = Duration.ofSeconds(30);

  private final String base;
  private final Optional<String> apiKey;
  // HTTP/1.1 has a connection for each stream, as most clients of such servers do.
  private final HttpClient client =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(TO_CONNECT)
          .build();

  /**
   * @param url with or without {@code /v1}
   * @throws IllegalArgumentException if it is not one of HTTP
   */
  public Endpoint(String url, Optional<String> apiKey) {
    base = url.replaceFirst("/+$", "").replaceFirst("/v1$", "");
    this.apiKey = apiKey;
    if (!base.matches("https?://[^/].*")) {
      throw new IllegalArgumentException(
          "--url must be one like http://localhost:8080, not '%s'".formatted(url));
    }
    uri("/"); // refuses what is malformed
  }

  private URI uri(String path) {
    return URI.create(base + path);
  }

  HttpClient client() {
    return client;
  }

  HttpRequest post(Request request) {
    return post("/v1" + request.path(), request.body());
  }

  private HttpRequest post(String path, String body) {
    return request(path)
        .header("content-type", "application/json")
        .POST(BodyPublishers.ofString(body))
        .build();
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri(path));
    apiKey.ifPresent(key -> request.header("authorization", "Bearer " + key));
    return request;
  }

  /** What a server tells of a model. */
  public record Model(String name, OptionalInt context) {}

  /**
   * Asks for the model of a name, or for the first.
   *
   * @throws IOException if there is no server, or it does not tell and no name is given
   */
  public Model model(Optional<String> name) throws IOException, InterruptedException {
    HttpResponse<String> response = send(request("/v1/models").timeout(TO_ANSWER).build());
    if (response.statusCode() != 200) {
      return new Model(
          name.orElseThrow(() -> refusal(response, "; name the model with --model")),
          OptionalInt.empty());
    }
    JsonNode models = read(response).path("data");
    Optional<JsonNode> found =
        StreamSupport.stream(models.spliterator(), false)
            .filter(each -> name.isEmpty() || name.get().equals(each.path("id").asText()))
            .findFirst();
    if (found.isEmpty() && name.isEmpty()) {
      throw new IOException(base + " tells of no model; name one with --model");
    }
    // Servers answer to other names than those that they tell of.
    return new Model(
        name.orElseGet(() -> found.get().path("id").asText()),
        found
            .map(model -> model.path("max_model_len"))
            .filter(JsonNode::isInt)
            .map(length -> OptionalInt.of(length.intValue()))
            .orElse(OptionalInt.empty()));
  }

  /**
   * The tokens of a prompt, as vLLM and Chasqui tell them; none if the server cannot.
   *
   * @throws IOException if there is no server
   */
  public Optional<int[]> tokens(String model, Prompt prompt)
      throws IOException, InterruptedException {
    ObjectNode body = JSON.createObjectNode().put("model", model);
    if (prompt.isConversation()) {
      body.set("messages", JSON.valueToTree(prompt.messages()));
    } else {
      body.put("prompt", prompt.text());
    }
    HttpResponse<String> response = send(post("/tokenize", body.toString()));
    if (response.statusCode() != 200) {
      return Optional.empty();
    }
    JsonNode tokens = read(response).path("tokens");
    return tokens.isEmpty()
        ? Optional.empty()
        : Optional.of(
            StreamSupport.stream(tokens.spliterator(), false).mapToInt(JsonNode::asInt).toArray());
  }

  /** The server's times so far, if it tells them under vLLM's names. */
  public Optional<ServerTimes> times() throws IOException, InterruptedException {
    HttpResponse<String> response = send(request("/metrics").timeout(TO_ANSWER).build());
    return response.statusCode() == 200
        ? ServerTimes.of(new ServerMetrics(response.body()))
        : Optional.empty();
  }

  private HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    try {
      return client.send(request, BodyHandlers.ofString());
    } catch (ConnectException e) {
      throw new IOException("nothing listens at %s: start a server there".formatted(base), e);
    }
  }

  private static IOException refusal(HttpResponse<String> response, String hint) {
    return new IOException(
        "%s answers %d%s".formatted(response.uri(), response.statusCode(), hint));
  }

  private static JsonNode read(HttpResponse<String> response) throws IOException {
    try {
      return JSON.readTree(response.body());
    } catch (JsonProcessingException e) {
      throw new IOException(response.uri() + " does not answer with JSON", e);
    }
  }

  @Override
  public void close() {
    client.shutdownNow();
    client.close();
  }
}
