package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.chasqui.Await;
import io.chasqui.LogLines;
import io.chasqui.engine.Engine;
import io.chasqui.ops.ServedModel;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A client may leave whenever it likes: no operator has to look at that. */
@QuarkusTest
class LeavingClientsTest {
  private static final int CLIENTS = 100;

  @TestHTTPResource("/")
  URI server;

  @Inject ServedModel served;

  @Test
  void theLogHasNoWarningOfClientsThatLeave() {
    Engine engine = served.engine().await().atMost(Duration.ofMinutes(1));
    var random = new Random(1);
    var log = LogLines.ofAll();
    try {
      for (int i = 0; i < CLIENTS; i++) {
        boolean stream = i % 2 == 0;
        String body =
            Api.completion(
                "Once " + i, "stream", stream, "max_tokens", 400, "ignore_eos", true, "n", 2);
        try (var client = RawConnection.post(server, Api.COMPLETIONS, body)) {
          LockSupport.parkNanos(random.nextInt(40_000_000));
        }
      }
      Await.until("all are given up", () -> engine.running() + engine.waiting() == 0);
      // What the end of an answer leads to runs on another thread.
      LockSupport.parkNanos(Duration.ofMillis(300).toNanos());

      assertEquals(List.of(), log.problems());
    } finally {
      log.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/index.html", "/metrics", "/q/health", "/v1/models", "/nothing"})
  void neitherHasItAnyOfClientsOfHttp2ThatLeaveWhatTheyAskedForUnread(String path) {
    var request = Http2Frames.ofAClientThatReadsNothing().get(1, path).toBytes();
    List<byte[]> farewells =
        List.of(
            new byte[0],
            new Http2Frames().reset(1).toBytes(),
            new Http2Frames().goAway().toBytes());
    var log = LogLines.ofAll();
    try {
      for (byte[] farewell : farewells) {
        try (var client = new RawConnection(server)) {
          client.send(request);
          LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
          client.send(farewell);
        }
      }
      LockSupport.parkNanos(Duration.ofMillis(300).toNanos());

      assertEquals(List.of(), log.problems());
    } finally {
      log.close();
    }
  }
}
