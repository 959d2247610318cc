package io.chasqui.benchmark.servers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A server that answers 503 a few times, as one does that is loading its model, and then streams as
 * many tokens as it is asked for.
 */
public final class FakeServer {
  static final int REFUSALS = 3;

  /** A prompt that begins with this gets one token, and then the connection ends. */
  public static final int BREAKS_OFF = 1013;

  private static final int MORE_THAN_IS_SENT = 1000;
  private static final int UNTIL_THE_END = 0;
  private static final long TOKEN_NANOS = 2_000_000;

  private static final JsonMapper JSON = new JsonMapper();
  private static final String TOKENS = "{\"count\": 1, \"tokens\": [2]}";
  private static final String COMMENT = ": loading\n\n";
  private static final String TOKEN =
      "data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":null}]}\n\n";
  private static final String END =
      """
      data: {"choices":[],"usage":{"prompt_tokens":%d,"completion_tokens":%d}}

      data: [DONE]

      """;

  private FakeServer() {}

  /**
   * How it is started.
   *
   * @param log where its output goes
   */
  public static Launch launch(Path log) {
    return new Launch(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            FakeServer.class.getName(),
            Launch.PORT),
        Map.of(),
        "/health",
        log);
  }

  /** The port is the first argument. */
  public static void main(String... args) throws IOException {
    var address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]));
    HttpServer server = HttpServer.create(address, 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    answer(server, "/health", exchange -> send(exchange, 200, "{}"));
    answer(server, CompletionStream.PATH, FakeServer::stream);
    server.createContext("/tokenize", exchange -> send(exchange, 200, TOKENS));
    server.createContext("/wrong", exchange -> send(exchange, 400, "that is wrong"));
    server.start();
  }

  private static void answer(HttpServer server, String path, HttpHandler answer) {
    var requests = new AtomicInteger();
    server.createContext(
        path,
        exchange -> {
          int request = requests.incrementAndGet();
          System.out.println(path + " " + request);
          if (request <= REFUSALS) {
            send(exchange, 503, "loading");
          } else {
            answer.handle(exchange);
          }
        });
  }

  private static void stream(HttpExchange exchange) throws IOException {
    try (exchange) {
      JsonNode request = JSON.readTree(exchange.getRequestBody());
      int tokens = request.path("max_tokens").asInt();
      boolean breaksOff = request.path("prompt").path(0).asInt() == BREAKS_OFF;
      exchange.sendResponseHeaders(200, breaksOff ? MORE_THAN_IS_SENT : UNTIL_THE_END);
      write(exchange, COMMENT);
      if (breaksOff) {
        write(exchange, TOKEN);
        return;
      }
      for (int i = 0; i < tokens; i++) {
        LockSupport.parkNanos(TOKEN_NANOS);
        write(exchange, TOKEN);
      }
      write(exchange, END.formatted(request.path("prompt").size(), tokens));
    }
  }

  private static void write(HttpExchange exchange, String text) throws IOException {
    exchange.getResponseBody().write(text.getBytes(StandardCharsets.UTF_8));
    exchange.getResponseBody().flush();
  }

  private static void send(HttpExchange exchange, int status, String body) {
    try (exchange) {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.getRequestBody().readAllBytes();
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
