package io.chasqui.benchmark.abuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.FakeServer;
import io.chasqui.benchmark.servers.OngoingStreams;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.StreamRequest;
import io.chasqui.benchmark.servers.TokenTimes;
import io.chasqui.benchmark.streams.StreamMeter;
import io.chasqui.benchmark.streams.StreamQuantity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Measured is the fake server, which closes the connections of whom it does not understand. */
class AbuseMeterTest {
  private static final int VOCABULARY = 256;

  @TempDir static Path directory;
  private static Server server;

  @BeforeAll
  static void startServer() throws Exception {
    server = new Server(FakeServer.launch(directory.resolve("server.log")));
    server.awaitPort();
    server.awaitFirstToken(CompletionStream.request(8, 100));
  }

  @AfterAll
  static void endServer() {
    server.close();
  }

  @Test
  void streamsAreMeasuredAloneAndBesideAllThatIsSent() throws Exception {
    var tally = new HostileTally();
    var meter =
        new AbuseMeter(
            server,
            new StreamMeter(server, VOCABULARY, 2),
            new AbuseMeter.Load(2, 50, 200),
            tally,
            new SplittableRandom(1));

    Map<StreamQuantity, Double> alone = meter.alone();
    AbuseMeter.Beside beside = meter.beside();

    assertEquals(alone.keySet(), beside.numbers().keySet());
    beside.numbers().forEach((quantity, number) -> assertTrue(number > 0, quantity.toString()));
    assertTrue(beside.held().files() > 0 && beside.held().threads() > 0);
    int sent = 0;
    for (HostileOutcome outcome : HostileOutcome.values()) {
      sent += tally.count(outcome);
    }
    assertEquals(50, sent);
  }

  @Test
  void streamsAreMeasuredBesideGreedyClients() throws Exception {
    var meter =
        new AbuseMeter(
            server,
            new StreamMeter(server, VOCABULARY, 2),
            new AbuseMeter.Load(2, 50, 200),
            new HostileTally(),
            new SplittableRandom(1));
    List<String> bodies = List.of(CompletionStream.request(8, 100));

    AbuseMeter.Greedy greedy = meter.besideGreedy(server.url(), bodies);

    assertTrue(greedy.numbers().get(StreamQuantity.ITL_SPREAD) >= 1, greedy.toString());
    assertEquals(0, greedy.faults());
  }

  @Test
  void aGreedyRequestIsJson() throws Exception {
    for (GreedyKind kind : GreedyKind.values()) {
      assertTrue(new JsonMapper().readTree(kind.json(VOCABULARY, 2, "a")).isObject());
    }
  }

  @Test
  void aClientSendsItsNextRequestWhenTheLastIsAnswered() throws Exception {
    Supplier<StreamRequest> requests = () -> new StreamRequest(List.of(1), 3, 2);
    try (var streams = new OngoingStreams(server, List.of(requests, requests))) {
      Thread.sleep(200);
      List<TokenTimes> times = streams.end();
      assertTrue(times.size() > 4, times.toString());
    }
  }

  @Test
  void aStreamThatBreaksOffFails() {
    Supplier<StreamRequest> requests =
        () -> new StreamRequest(List.of(FakeServer.BREAKS_OFF), 3, 2);
    try (var streams = new OngoingStreams(server, List.of(requests))) {
      IOException failure = assertThrows(IOException.class, streams::end);
      assertTrue(failure.getMessage().contains("a stream has failed"), failure.getMessage());
    }
  }
}
