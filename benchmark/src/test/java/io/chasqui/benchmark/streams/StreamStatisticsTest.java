package io.chasqui.benchmark.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.servers.TokenTimes;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class StreamStatisticsTest {
  private static final long MS = 1_000_000;

  /** A stream whose tokens come every so many milliseconds. */
  private static TokenTimes stream(long sent, long first, long gap, int tokens) {
    return new TokenTimes(
        sent * MS, LongStream.range(0, tokens).mapToObj(i -> (first + i * gap) * MS).toList());
  }

  @Test
  void aBatchIsTimedFromItsFirstRequestToItsLastToken() {
    Map<StreamQuantity, Double> numbers =
        StreamStatistics.batch(List.of(stream(0, 100, 10, 11), stream(1, 300, 20, 11)));

    assertEquals(22 / 0.5, numbers.get(StreamQuantity.TOKENS_PER_SECOND), 1e-9);
    assertEquals(300.0, numbers.get(StreamQuantity.LAST_FIRST_TOKEN_MS));
  }

  @Test
  void decodingIsTimedWhileAllStreamsGenerate() throws IOException {
    // The first goes on from 100 to 300 ms, the second from 200 to 600 ms.
    Map<StreamQuantity, Double> numbers =
        StreamStatistics.decode(List.of(stream(0, 100, 10, 21), stream(0, 200, 40, 11)));

    double tokens = 10 + 2.5;
    assertEquals(tokens / 0.1, numbers.get(StreamQuantity.DECODE_TOKENS_PER_SECOND), 1e-9);
  }

  @Test
  void streamsThatRunOneAfterTheOtherAreNoBatch() {
    List<TokenTimes> streams = List.of(stream(0, 100, 10, 3), stream(0, 200, 10, 3));

    IOException failure = assertThrows(IOException.class, () -> StreamStatistics.decode(streams));

    assertTrue(failure.getMessage().contains("at once"), failure.getMessage());
  }

  @Test
  void theGapsBeforeAPromptAreComparedWithThoseBesideIt() throws IOException {
    // Gaps of 10 ms; then one of 200 ms, which begins before the prompt is sent.
    var stream =
        new TokenTimes(
            0,
            LongStream.of(10, 20, 30, 40, 50, 250, 260, 270).mapToObj(time -> time * MS).toList());
    var prompt = new TokenTimes(55 * MS, List.of(255 * MS));

    Map<StreamQuantity, Double> numbers = StreamStatistics.promptBeside(List.of(stream), prompt);

    assertEquals(10.0, numbers.get(StreamQuantity.ITL_P50_ALONE_MS));
    assertEquals(10.0, numbers.get(StreamQuantity.ITL_P99_ALONE_MS));
    assertEquals(105.0, numbers.get(StreamQuantity.ITL_P50_BESIDE_MS));
    assertEquals(200.0, numbers.get(StreamQuantity.ITL_P99_BESIDE_MS));
    assertEquals(20.0, numbers.get(StreamQuantity.ITL_STALL));
    assertEquals(200.0, numbers.get(StreamQuantity.PROMPT_FIRST_TOKEN_MS));
  }

  @Test
  void aPromptThatNoStreamRanBesideIsNoMeasurement() {
    List<TokenTimes> streams = List.of(stream(0, 10, 10, 3));
    var prompt = new TokenTimes(500 * MS, List.of(600 * MS));

    assertThrows(IOException.class, () -> StreamStatistics.promptBeside(streams, prompt));
  }

  @Test
  void aPrefixIsComparedWithItsFirstTime() {
    Map<StreamQuantity, Double> numbers =
        StreamStatistics.prefix(stream(0, 800, 1, 1), stream(1000, 1100, 1, 1));

    assertEquals(800.0, numbers.get(StreamQuantity.NEW_FIRST_TOKEN_MS));
    assertEquals(100.0, numbers.get(StreamQuantity.AGAIN_FIRST_TOKEN_MS));
    assertEquals(0.125, numbers.get(StreamQuantity.AGAIN_TO_NEW));
  }

  @Test
  void latenciesAreThoseOfAllStreamsUntilATime() throws IOException {
    // Gaps of 10 ms, and then of 50 ms of which the first begins before the end.
    List<TokenTimes> streams = List.of(stream(0, 100, 10, 11), stream(140, 160, 50, 3));

    Map<StreamQuantity, Double> numbers = StreamStatistics.latencies(streams, 205 * MS);

    assertEquals(2.0, numbers.get(StreamQuantity.STREAMS));
    assertEquals(60.0, numbers.get(StreamQuantity.FIRST_TOKEN_P50_MS));
    assertEquals(100.0, numbers.get(StreamQuantity.FIRST_TOKEN_P99_MS));
    assertEquals(10.0, numbers.get(StreamQuantity.ITL_P50_MS));
    assertEquals(50.0, numbers.get(StreamQuantity.ITL_P99_MS));
    assertEquals(5.0, numbers.get(StreamQuantity.ITL_SPREAD));
  }

  @Test
  void streamsOfOneTokenHaveNoLatencies() {
    assertThrows(
        IOException.class,
        () -> StreamStatistics.latencies(List.of(stream(0, 10, 1, 1)), 100 * MS));
  }

  @Test
  void aPercentileIsTheValueOfTheNearestRank() {
    List<Double> values = IntStream.rangeClosed(1, 200).mapToObj(i -> 201.0 - i).toList();

    assertEquals(198.0, StreamStatistics.percentile(0.99, values));
    assertEquals(200.0, StreamStatistics.percentile(1, values));
    assertEquals(7.0, StreamStatistics.percentile(0.99, List.of(7.0)));
  }
}
