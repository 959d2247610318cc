package io.chasqui.benchmark.servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.StreamSupport;

/**
 * A server that somebody else has started.
 *
 * @param url without a path
 * @param model the name that it is asked for
 */
public record RunningServer(HttpClient client, URI url, String model) implements TokenSource {
  private static final JsonMapper JSON = new JsonMapper();

  @Override
  public TokenTimes stream(StreamRequest request, IntConsumer progress)
      throws IOException, InterruptedException {
    try {
      return Server.stream(
          client,
          Server.post(url.resolve(CompletionStream.PATH), request.json(model)),
          request,
          progress);
    } catch (UncheckedIOException e) {
      throw new IOException("a stream of %s has broken off".formatted(url), e);
    }
  }

  /**
   * The tokens of a text, special ones left out.
   *
   * @throws IOException if there is no server, or it has no {@code /tokenize} or no such model
   */
  public int[] tokens(String text) throws IOException, InterruptedException {
    String body =
        JSON.writeValueAsString(
            Map.of("model", model, "prompt", text, "add_special_tokens", false));
    HttpResponse<String> response = send("/tokenize", body);
    if (response.statusCode() != 200) {
      throw new IOException(
          "%s answers %d: %s".formatted(response.uri(), response.statusCode(), response.body()));
    }
    return ids(response.body());
  }

  private HttpResponse<String> send(String path, String body)
      throws IOException, InterruptedException {
    try {
      return client.send(Server.post(url.resolve(path), body), BodyHandlers.ofString());
    } catch (ConnectException e) {
      throw new IOException("nothing listens at %s: start a server there".formatted(url), e);
    }
  }

  private static int[] ids(String json) throws JsonProcessingException {
    return StreamSupport.stream(JSON.readTree(json).path("tokens").spliterator(), false)
        .mapToInt(JsonNode::asInt)
        .toArray();
  }
}
