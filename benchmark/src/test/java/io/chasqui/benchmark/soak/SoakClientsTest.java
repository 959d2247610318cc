package io.chasqui.benchmark.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.FakeServer;
import io.chasqui.benchmark.servers.Server;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SoakClientsTest {
  @TempDir Path directory;

  /** The fake server streams whatever it is asked for, whole answers too. */
  @Test
  void anAnswerThatIsNotAsItWasAskedForEndsTheSoak() throws Exception {
    try (var server = new Server(FakeServer.launch(directory.resolve("server.log")))) {
      server.awaitPort();
      server.awaitFirstToken(CompletionStream.request(8, 100));
      var requests = new SoakRequests(new SplittableRandom(1), 512, 256, 2);
      var latencies = new LatencyWindow();
      var answered = new AtomicLong();
      try (var clients = new SoakClients(server, List.of(requests), latencies, answered)) {
        IOException failure =
            assertThrows(
                IOException.class,
                () -> {
                  while (true) {
                    clients.requireAll();
                    Thread.sleep(10);
                  }
                });
        assertTrue(failure.getMessage().contains("a client has failed"), failure.getMessage());
      }
    }
  }

  @Test
  void aWindowHasTheTokensThatCameSinceTheLast() {
    var latencies = new LatencyWindow();
    IntConsumer stream = latencies.stream();
    stream.accept(1);
    stream.accept(2);
    stream.accept(3);

    LatencyWindow.Taken taken = latencies.take();
    assertEquals(1, taken.firstTokens().getTotalCount());
    assertEquals(2, taken.gaps().getTotalCount());
    assertTrue(LatencyWindow.millis(taken.gaps(), 50) >= 0);
    stream.accept(4);
    assertTrue(latencies.take().isEmpty());
  }
}
