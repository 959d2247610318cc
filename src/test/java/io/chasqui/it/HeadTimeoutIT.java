package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.http.Api;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The built program closes connections on which no head arrives. (In tests of Quarkus, Netty does
 * not see the program's classes, which put themselves into its connections.)
 */
class HeadTimeoutIT {
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
    try (var server = new BuiltServer("demo", directory.resolve("log"), settings);
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
      URI uri = server.uri();
      String body = Api.completion("One", "max_tokens", 400, "ignore_eos", true, "stream", true);
      HttpRequest health = HttpRequest.newBuilder(uri.resolve("/q/health/live")).build();
      assertEquals(
          HttpClient.Version.HTTP_2,
          client.send(health, HttpResponse.BodyHandlers.ofString()).version());
      HttpRequest stream =
          HttpRequest.newBuilder(uri.resolve(Api.COMPLETIONS))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(body))
              .build();
      var answer = client.sendAsync(stream, HttpResponse.BodyHandlers.ofString());
      for (int i = 0; i < 4; i++) {
        client.send(health, HttpResponse.BodyHandlers.ofString());
        Thread.sleep(300);
      }
      assertTrue(answer.get().body().endsWith("data: [DONE]\n\n"), answer.get().body());
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
