package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.streams.StreamMeter;
import io.chasqui.benchmark.streams.StreamQuantity;
import io.chasqui.benchmark.streams.StreamScenario;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Streams of the fake server, whose tokens come every two milliseconds. */
class ConcurrentStreamsTest {
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

  private static StreamRequest request(int firstOfPrompt, int tokens) {
    return new StreamRequest(List.of(firstOfPrompt, 1), tokens, 2);
  }

  @Test
  void streamsRunAtOnceAndKeepTheirOrder() throws Exception {
    List<TokenTimes> streams =
        ConcurrentStreams.run(server, Collections.nCopies(4, request(1, 100)));

    long lastFirst = streams.stream().mapToLong(TokenTimes::first).max().orElseThrow();
    long firstLast = streams.stream().mapToLong(TokenTimes::last).min().orElseThrow();
    assertTrue(lastFirst < firstLast, "one had ended before the last began");
    List<TokenTimes> unequal =
        ConcurrentStreams.run(server, List.of(request(1, 5), request(1, 2), request(1, 3)));
    assertEquals(List.of(5, 2, 3), unequal.stream().map(stream -> stream.tokens().size()).toList());
  }

  @Test
  void theMarkIsReachedWhileStreamsGoOn() throws Exception {
    try (var streams = new ConcurrentStreams(server, List.of(request(1, 200)), 10)) {
      streams.awaitMark();
      long marked = System.nanoTime();

      TokenTimes times = streams.await().getFirst();
      assertTrue(times.tokens().get(9) <= marked && marked < times.last());
    }
  }

  @Test
  void aStreamThatBreaksOffIsNotWaitedFor() throws Exception {
    try (var streams =
        new ConcurrentStreams(server, List.of(request(FakeServer.BREAKS_OFF, 50)), 10)) {
      streams.awaitMark();

      IOException failure = assertThrows(IOException.class, streams::await);
      assertTrue(failure.getMessage().contains("server.log"), failure.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "STREAMS_1, TOKENS_PER_SECOND, LAST_FIRST_TOKEN_MS",
    "PROMPT_BESIDE, ITL_P50_ALONE_MS, PROMPT_FIRST_TOKEN_MS",
    "PREFIX, NEW_FIRST_TOKEN_MS, AGAIN_TO_NEW",
  })
  void aScenarioComesToAllOfItsQuantities(
      StreamScenario scenario, StreamQuantity first, StreamQuantity last) throws Exception {
    Map<StreamQuantity, Double> numbers;
    try (PackedModel model = new EmbeddedModel().packed()) {
      numbers = new StreamMeter(server, model.tokenizer()).measure(scenario, 1);
    }

    assertEquals(EnumSet.range(first, last), numbers.keySet());
    numbers.forEach((quantity, number) -> assertTrue(number > 0, quantity + " " + number));
  }
}
