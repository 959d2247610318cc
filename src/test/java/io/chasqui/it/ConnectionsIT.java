package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.http.Api;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpVersion;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The built program closes connections that only cost it something, and no others. (In tests of
 * Quarkus, Netty does not see the program's classes, which put themselves into its connections.)
 */
class ConnectionsIT {
  private static final String REQUEST = "GET /q/health/live HTTP/1.1\r\nHost: test\r\n\r\n";

  @TempDir Path directory;

  @Test
  void aConnectionIsClosedWhoseHeadDoesNotArriveAndNoOther() throws Exception {
    var settings = Map.of("CHASQUI_HEAD_TIMEOUT", "1s");
    try (var server = new BuiltServer("demo", directory.resolve("log"), settings)) {
      URI uri = server.uri();
      try (Socket silent = connect(uri);
          Socket slow = connect(uri);
          Socket kept = connect(uri)) {
        requireAnswer(kept);
        Thread.sleep(1500); // between requests it may be idle
        requireAnswer(kept);
        send(kept, "GET");
        requireClosed(silent);
        requireClosedWhileSending(slow);
        requireClosed(kept);
      }
      assertEquals(200, Api.send(Api.request(uri, "/q/health/live")).statusCode());
    }
  }

  @Test
  void aStreamOfHttp2GoesOnWhileAndAfterOthersAreAnswered() throws Exception {
    var settings = Map.of("CHASQUI_HEAD_TIMEOUT", "500ms");
    Vertx vertx = Vertx.vertx();
    try (var server = new BuiltServer("demo", directory.resolve("log"), settings)) {
      URI uri = server.uri();
      String body = Api.completion("One", "max_tokens", 400, "ignore_eos", true, "stream", true);
      HttpClient client =
          vertx.createHttpClient(
              new HttpClientOptions()
                  .setProtocolVersion(HttpVersion.HTTP_2)
                  .setHttp2ClearTextUpgrade(false)
                  .setDefaultHost(uri.getHost())
                  .setDefaultPort(uri.getPort()));
      assertEquals(HttpVersion.HTTP_2, health(client));
      Future<Buffer> answer =
          client
              .request(HttpMethod.POST, Api.COMPLETIONS)
              .compose(request ->
                  request.putHeader("Content-Type", "application/json").send(Buffer.buffer(body)))
              .compose(HttpClientResponse::body);
      for (int i = 0; i < 4; i++) {
        health(client);
        Thread.sleep(300);
      }
      String stream = await(answer).toString();
      assertTrue(stream.endsWith("data: [DONE]\n\n"), stream);
    } finally {
      await(vertx.close());
    }
  }

  private static HttpVersion health(HttpClient client) throws Exception {
    return await(
        client
            .request(HttpMethod.GET, "/q/health/live")
            .compose(HttpClientRequest::send)
            .map(HttpClientResponse::version));
  }

  private static <T> T await(Future<T> future) throws Exception {
    return future.toCompletionStage().toCompletableFuture().get(1, TimeUnit.MINUTES);
  }

  /**
   * A request of which head and body are sent apart, with a pause that is shorter than the limit.
   */
  private static void sendApart(Socket socket, String body) throws Exception {
    send(socket, head(body));
    Thread.sleep(2);
    send(socket, body);
  }

  private static String head(String body) {
    return "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        .formatted(Api.COMPLETIONS, body.length());
  }

  private static final String SHORT = Api.completion("One", "max_tokens", 1);

  /** So much that it is not all on its way before somebody reads. */
  private static final String LONG =
      Api.completion(
          "One", "max_tokens", 400, "ignore_eos", true, "stream", true, "n", 8, "logprobs", 20);

  @Test
  void noShortRequestLosesItsConnectionHoweverOldThatIs() throws Exception {
    var settings = Map.of("CHASQUI_HEAD_TIMEOUT", "200ms");
    try (var server = new BuiltServer("demo", directory.resolve("log"), settings);
        var clients = Executors.newFixedThreadPool(8)) {
      URI uri = server.readyUri();
      List<java.util.concurrent.Future<?>> ends = new ArrayList<>();
      for (int client = 0; client < 8; client++) {
        ends.add(
            clients.submit(() -> {
              try (Socket socket = connect(uri)) {
                for (int i = 0; i < 150; i++) {
                  sendApart(socket, SHORT);
                  readUntil(socket, "}");
                }
              }
              return null;
            }));
      }
      for (java.util.concurrent.Future<?> end : ends) {
        end.get();
      }
    }
  }

  @Test
  void anAnswerThatTakesLongIsNotCutWhateverItsConnectionDidBefore() throws Exception {
    var settings = Map.of("CHASQUI_HEAD_TIMEOUT", "300ms");
    try (var server = new BuiltServer("demo", directory.resolve("log"), settings);
        Socket socket = connect(server.readyUri())) {
      for (int i = 0; i < 9; i++) {
        sendApart(socket, SHORT);
        readUntil(socket, "}");
      }
      sendApart(socket, LONG);
      // The next request's head comes while the answer runs, and its body later than a head may.
      send(socket, head(SHORT));
      Thread.sleep(600);
      send(socket, SHORT);
      Thread.sleep(600);

      // The two answers may come in one piece.
      readUntil(
          socket,
          tail -> tail.contains("data: [DONE]\n\n\r\n0\r\n\r\nHTTP/1.1 200") && tail.endsWith("}"));
    }
  }

  @Test
  void aClientThatReadsNothingOfAnAnswerLosesItsConnection() throws Exception {
    var settings = Map.of("CHASQUI_STREAM_STALL_TIMEOUT", "500ms");
    try (var server = new BuiltServer("demo", directory.resolve("log"), settings);
        Socket socket = connect(server.readyUri())) {
      send(socket, head(LONG) + LONG);
      Await.until("the server has closed it", () -> isReset(socket));
    }
  }

  /** Writes show that the other side is gone; reads would make room for more. */
  private static boolean isReset(Socket socket) {
    try {
      socket.getOutputStream().write('G');
      Thread.sleep(50);
      return false;
    } catch (IOException e) {
      return true;
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void aClientThatAsksEverMoreAndReadsNothingLosesItsConnection() throws Exception {
    try (var server = new BuiltServer("demo", directory.resolve("log"), Map.of());
        Socket socket = connect(server.readyUri())) {
      String many = "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n".repeat(1000);

      assertThrows(
          SocketException.class,
          () -> {
            for (int i = 0; i < 500; i++) {
              send(socket, many);
            }
          });
    }
  }

  @Test
  void idleConnectionsGiveWayToNewOnes() throws Exception {
    try (var server = BuiltServer.withOpenFiles(500, directory.resolve("log"))) {
      URI uri = server.readyUri();
      List<Socket> idle = new ArrayList<>();
      try (Socket stream = connect(uri)) {
        send(stream, head(LONG) + LONG);
        for (int i = 0; i < 600; i++) {
          idle.add(connect(uri));
        }
        requireClosed(idle.getFirst());
        Await.until("a new connection is answered", () -> isAnswered(uri));
        readUntil(stream, "data: [DONE]\n\n\r\n0\r\n\r\n");
      } finally {
        for (Socket socket : idle) {
          socket.close();
        }
      }
    }
  }

  private static boolean isAnswered(URI server) {
    try (Socket probe = connect(server)) {
      requireAnswer(probe);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Reads to where an answer ends with this, and nothing comes after it. */
  private static void readUntil(Socket socket, String end) throws IOException {
    readUntil(socket, tail -> tail.endsWith(end));
  }

  /** Reads until the last 2,000 characters are as they should be. */
  private static void readUntil(Socket socket, Predicate<String> isEnd) throws IOException {
    var tail = new StringBuilder();
    byte[] buffer = new byte[1 << 16];
    InputStream in = socket.getInputStream();
    while (!isEnd.test(tail.toString())) {
      int read = in.read(buffer);
      assertTrue(read > 0, "the connection ended after: " + tail);
      tail.append(new String(buffer, 0, read, StandardCharsets.US_ASCII));
      tail.delete(0, Math.max(0, tail.length() - 2000));
    }
  }

  private static Socket connect(URI server) throws IOException {
    var socket = new Socket(server.getHost(), server.getPort());
    socket.setSoTimeout(30_000);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    socket.getOutputStream().flush();
  }

  private static void requireAnswer(Socket socket) throws IOException {
    send(socket, REQUEST);
    byte[] answer = new byte[4096];
    InputStream in = socket.getInputStream();
    int length = 0;
    while (!new String(answer, 0, length, StandardCharsets.US_ASCII).endsWith("}")) {
      int read = in.read(answer, length, answer.length - length);
      assertTrue(read > 0, "the connection ended");
      length += read;
    }
    String text = new String(answer, 0, length, StandardCharsets.US_ASCII);
    assertTrue(text.startsWith("HTTP/1.1 200 OK"), text);
  }

  private static void requireClosed(Socket socket) throws IOException {
    try {
      assertEquals(-1, socket.getInputStream().read());
    } catch (SocketException e) {
      // Reset, because of what it has sent.
    }
  }

  /** A byte now and then keeps no connection open. */
  private static void requireClosedWhileSending(Socket socket) throws Exception {
    try {
      for (char each : REQUEST.substring(0, 20).toCharArray()) {
        send(socket, String.valueOf(each));
        Thread.sleep(100);
      }
    } catch (SocketException e) {
      return;
    }
    requireClosed(socket);
  }
}
