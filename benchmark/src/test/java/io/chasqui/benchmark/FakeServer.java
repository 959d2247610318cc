package io.chasqui.benchmark;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that answers 503 a few times, as one does that is loading its model. */
final class FakeServer {
  static final int REFUSALS = 3;

  private static final String STREAM =
      """
      : loading

      data: {"choices":[{"text":"a","finish_reason":null}]}

      data: [DONE]

      """;

  private FakeServer() {}

  /** The port is the first argument. */
  public static void main(String... args) throws IOException {
    var address =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), Integer.parseInt(args[0]));
    HttpServer server = HttpServer.create(address, 0);
    answer(server, "/health", "{}");
    answer(server, CompletionStream.PATH, STREAM);
    server.createContext("/wrong", exchange -> send(exchange, 400, "that is wrong"));
    server.start();
  }

  private static void answer(HttpServer server, String path, String body) {
    var requests = new AtomicInteger();
    server.createContext(
        path,
        exchange -> {
          int request = requests.incrementAndGet();
          System.out.println(path + " " + request);
          send(exchange, request <= REFUSALS ? 503 : 200, request <= REFUSALS ? "loading" : body);
        });
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
