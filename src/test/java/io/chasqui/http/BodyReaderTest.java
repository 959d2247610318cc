package io.chasqui.http;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Bodies that come slowly, and those of which there are too many, are nobody else's trouble. */
@QuarkusTest
class BodyReaderTest {
  /** More than there are threads. */
  private static final int SLOW = 300;

  @TestHTTPResource("/")
  URI server;

  @Inject RequestMemory memory;

  @Test
  void bodiesThatAreYetToComeHoldNoThread() {
    byte[] body = Api.completion("One", "max_tokens", 1).getBytes(StandardCharsets.UTF_8);
    List<RawConnection> slow = new ArrayList<>();
    try {
      for (int i = 0; i < SLOW; i++) {
        var connection = new RawConnection(server);
        slow.add(connection);
        connection.send(head(body.length, ""));
        connection.send(new byte[] {body[0]});
      }
      assertEquals(200, Api.post(server, Api.COMPLETIONS, Api.completion("One")).statusCode());

      byte[] rest =
          new String(body, StandardCharsets.UTF_8).substring(1).getBytes(StandardCharsets.UTF_8);
      slow.getLast().send(rest);
      assertEquals("HTTP/1.1 200 OK", slow.getLast().readHead().statusLine());
    } finally {
      slow.forEach(RawConnection::close);
    }
  }

  private static byte[] head(int length, String header) {
    return "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n"
        .formatted(Api.COMPLETIONS, length, header)
        .getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void whoAsksBeforeSendingABodyIsToldToGoOn() {
    byte[] body = Api.completion("One", "max_tokens", 1).getBytes(StandardCharsets.UTF_8);
    try (var connection = new RawConnection(server)) {
      connection.send(head(body.length, "Expect: 100-continue\r\n"));
      assertEquals("HTTP/1.1 100 Continue", connection.readHead().statusLine());
      connection.send(body);
      assertEquals("HTTP/1.1 200 OK", connection.readHead().statusLine());
    }
  }

  @Test
  void whoAsksBeforeSendingABodyThatIsTooLargeIsRefusedAtOnce() {
    try (var connection = new RawConnection(server)) {
      connection.send(head(memory.largestBody() + 1, "Expect: 100-continue\r\n"));
      RawConnection.Head answer = connection.readHead();

      assertEquals("HTTP/1.1 413 Request Entity Too Large", answer.statusLine());
      assertEquals("close", answer.headers().get("connection"));
      connection.readText(Integer.parseInt(answer.headers().get("content-length")));
      var end = assertThrows(UncheckedIOException.class, connection::readHead);
      assertInstanceOf(EOFException.class, end.getCause());
    }
  }

  @Test
  void aBodyOfHttp2IsReadWhereItsLengthIsKnown() throws Exception {
    byte[] body = Api.completion("One", "max_tokens", 1).getBytes(StandardCharsets.UTF_8);
    byte[] tooLarge = Arrays.copyOf(body, memory.largestBody() + 1);
    try (HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build()) {
      client.send(request("/v1/models").GET().build(), BodyHandlers.discarding());
      assertEquals(200, send(client, BodyPublishers.ofByteArray(body)));
      assertEquals(411, send(client, BodyPublishers.noBody()));
      assertEquals(413, send(client, BodyPublishers.ofByteArray(tooLarge)));
      assertEquals(
          411, send(client, BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))));
      assertEquals(200, send(client, BodyPublishers.ofByteArray(body)), "the connection goes on");
    }
  }

  private HttpRequest.Builder request(String path) {
    return Api.request(server, path).header("Content-Type", "application/json");
  }

  private int send(HttpClient client, BodyPublisher body) throws Exception {
    HttpResponse<Void> response =
        client.send(request(Api.COMPLETIONS).POST(body).build(), BodyHandlers.discarding());
    assertEquals(HttpClient.Version.HTTP_2, response.version());
    return response.statusCode();
  }

  @Test
  void bodiesTogetherTakeNoMoreThanTheyMayUntilTheirAnswersEnd() throws Exception {
    withBodies(
        12 << 10,
        (uri, read) -> {
          try (var first = RawConnection.post(uri, "/", "a".repeat(6000))) {
            RoutingContext running = read.poll(60, TimeUnit.SECONDS);
            assertEquals("a".repeat(6000), text(running));
            assertEquals(429, Api.post(uri, "/", "b".repeat(6000)).statusCode());
            try (var fitting = RawConnection.post(uri, "/", "c".repeat(4000))) {
              read.poll(60, TimeUnit.SECONDS).response().end();
              assertEquals("HTTP/1.1 200 OK", fitting.readHead().statusLine());
            }
            running.response().end();
            first.readHead();
          }
          try (var later = RawConnection.post(uri, "/", "d".repeat(10_000))) {
            read.poll(60, TimeUnit.SECONDS).response().end();
            assertEquals("HTTP/1.1 200 OK", later.readHead().statusLine());
          }
        });
  }

  @Test
  void bodiesThatDoNotEndGiveWayToThoseThatDo() throws Exception {
    withBodies(
        12 << 10,
        (uri, read) -> {
          List<RawConnection> unending = new ArrayList<>();
          try {
            for (int i = 0; i < 9; i++) {
              var connection = new RawConnection(uri);
              unending.add(connection);
              connection.send(head(10_000, ""));
              connection.send(new byte[9000]);
            }
            try (var whole = RawConnection.post(uri, "/", "a".repeat(10_000))) {
              RoutingContext running = read.poll(60, TimeUnit.SECONDS);
              assertEquals("a".repeat(10_000), text(running));
              running.response().end();
              assertEquals("HTTP/1.1 200 OK", whole.readHead().statusLine());
            }
            unending.getFirst().send(new byte[1000]);
            assertEquals(
                "HTTP/1.1 429 Too Many Requests", unending.getFirst().readHead().statusLine());
          } finally {
            unending.forEach(RawConnection::close);
          }
        });
  }

  private static String text(RoutingContext client) {
    RequestBody body = BodyReader.take(client, 0);
    return new String(body.bytes(), 0, body.length(), UTF_8);
  }

  private interface BodiesTest {
    void run(URI server, BlockingQueue<RoutingContext> read) throws Exception;
  }

  /** Runs a server that answers what is told, with so many bytes of memory for bodies. */
  private void withBodies(int most, BodiesTest test) throws Exception {
    Vertx vertx = Vertx.vertx();
    try {
      BlockingQueue<RoutingContext> read = new LinkedBlockingQueue<>();
      Router router = Router.router(vertx);
      router
          .post()
          .handler(
              new BodyReader(
                  vertx,
                  Duration.ofSeconds(60),
                  most,
                  new FairShare(most),
                  (client, error) -> client.response().setStatusCode(error.status()).end()))
          .handler(read::add);
      HttpServer alone =
          vertx
              .createHttpServer()
              .requestHandler(router)
              .listen(0)
              .toCompletionStage()
              .toCompletableFuture()
              .get();
      test.run(URI.create("http://localhost:" + alone.actualPort()), read);
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().get();
    }
  }
}
