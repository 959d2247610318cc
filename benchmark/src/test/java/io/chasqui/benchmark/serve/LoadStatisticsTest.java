package io.chasqui.benchmark.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.servers.ServerMetrics;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Answers whose times are milliseconds; the measured time is from 1000 to 3000. */
class LoadStatisticsTest {
  private static final long MILLI = 1_000_000;
  private static final double PRECISION = 0.002;

  /** A complete answer whose client was 5 ms late. */
  private static Answer answer(long scheduled, long... events) {
    List<Long> times = new ArrayList<>();
    for (long event : events) {
      times.add(event * MILLI);
    }
    return new Answer(
        scheduled * MILLI,
        (scheduled + 5) * MILLI,
        times.getLast(),
        Answer.COMPLETE,
        times,
        7,
        events.length,
        "");
  }

  private static Answer failed(long scheduled, String outcome) {
    long time = scheduled * MILLI;
    return new Answer(time, time, time, outcome, List.of(), 0, 0, "the reason");
  }

  private static LoadStatistics statistics(Answer... answers) {
    return new LoadStatistics(List.of(answers), 1000 * MILLI, 3000 * MILLI);
  }

  private static Map<String, Double> numbers(Answer... answers) {
    return statistics(answers).quantities().entrySet().stream()
        .collect(Collectors.toMap(each -> each.getKey().name(), Map.Entry::getValue));
  }

  private static void assertNear(double expected, double actual) {
    assertEquals(expected, actual, expected * PRECISION);
  }

  @Test
  void latencyCountsFromTheScheduledTime() {
    Map<String, Double> numbers = numbers(answer(1000, 1100, 1120, 1160));

    assertNear(100, numbers.get("TTFT p50"));
    assertNear(160, numbers.get("end-to-end p99"));
    assertNear(30, numbers.get("TPOT p50"));
    assertNear(20, numbers.get("ITL p50"));
    assertNear(40, numbers.get("ITL p99"));
    assertNear(5, numbers.get("client's delay p99"));
  }

  @Test
  void percentilesAreOfAllAnswers() {
    List<Answer> answers = new ArrayList<>();
    for (int i = 1; i <= 100; i++) {
      answers.add(answer(1000, 1000 + i));
    }
    Collections.reverse(answers);
    Map<String, Double> numbers = numbers(answers.toArray(Answer[]::new));

    assertNear(50, numbers.get("TTFT p50"));
    assertNear(90, numbers.get("TTFT p90"));
    assertNear(99, numbers.get("TTFT p99"));
  }

  @Test
  void requestsOfTheWarmUpAreNotCounted() {
    Map<String, Double> numbers =
        numbers(answer(999, 5000), answer(1000, 1010), answer(2999, 3009), answer(3000, 9000));

    assertEquals(2, numbers.get("requests"));
    assertNear(10, numbers.get("TTFT p99"));
  }

  @Test
  void throughputIsOfWhatCameInTheMeasuredTime() {
    Map<String, Double> numbers =
        numbers(answer(900, 990, 1500), answer(1000, 2000, 2500), answer(2900, 2950, 3100));

    assertEquals(4 / 2.0, numbers.get("output"));
    assertEquals(2 / 2.0, numbers.get("completed"));
  }

  @Test
  void anEventCountsForTheTokensThatTheServerTells() {
    var together =
        new Answer(0, 0, 0, Answer.COMPLETE, List.of(1000 * MILLI, 4000 * MILLI), 1, 10, "");

    assertEquals(5 / 2.0, numbers(together).get("output"));
  }

  @Test
  void anAnswerIsGoodIfItKeepsBothLimits() {
    assertTrue(LatencyLimits.INTERACTIVE.keeps(answer(0, 450, 490)));
    assertFalse(LatencyLimits.INTERACTIVE.keeps(answer(0, 451, 452)));
    assertFalse(LatencyLimits.INTERACTIVE.keeps(answer(0, 100, 141)));
    assertTrue(LatencyLimits.SERVER.keeps(answer(0, 2000, 2200)));
    assertFalse(LatencyLimits.SERVER.keeps(answer(0, 2001)));
    assertFalse(LatencyLimits.SERVER.keeps(answer(0, 0, 201)));
    assertFalse(LatencyLimits.SERVER.keeps(failed(0, Answer.REFUSED)));
  }

  @Test
  void goodputCountsFailuresAsRequestsThatMissTheirLimits() {
    Map<String, Double> numbers =
        numbers(
            answer(1000, 1100),
            answer(1000, 1100),
            answer(1000, 2000),
            failed(1200, Answer.REFUSED));

    assertEquals(75, numbers.get("within server limits"));
    assertEquals(3 / 2.0, numbers.get("goodput at server limits"));
    assertEquals(50, numbers.get("within interactive limits"));
  }

  @Test
  void failuresAreCountedByOutcome() {
    LoadStatistics load =
        statistics(
            failed(500, "500"),
            failed(1000, Answer.REFUSED),
            failed(1001, Answer.REFUSED),
            failed(1002, Answer.TIMEOUT));

    assertEquals(Map.of(Answer.REFUSED, 2L, Answer.TIMEOUT, 1L), load.failures());
    assertEquals(
        List.of("429: the reason", "500: the reason", "timeout: the reason"),
        load.messages().toList());
    assertFalse(
        load.quantities().keySet().stream().anyMatch(each -> each.name().startsWith("TTFT")));
  }

  @Test
  void theKneeIsTheLastRateBeforeTheFirstThatIsTooMuch() {
    var parts = new TreeMap<>(Map.of(1.0, 1.0, 2.0, 0.9, 4.0, 0.89, 8.0, 1.0));

    assertEquals(2, Knee.of(parts));
    assertEquals(0, Knee.of(parts.tailMap(4.0)));
    assertEquals(2, Knee.of(parts.headMap(4.0)));
  }

  @Test
  void partsOfTheMeanRequestAddUpToWhatTheClientSaw() {
    List<Answer> answers = List.of(answer(1000, 1100), answer(2000, 2200));
    ServerTimes server = new ServerTimes(2, 0.020, 0.080, 0.100, OptionalDouble.of(0.006));

    Map<String, Double> parts =
        LatencySplit.of(answers, server).orElseThrow().entrySet().stream()
            .collect(Collectors.toMap(each -> each.getKey().name(), Map.Entry::getValue));

    assertEquals(150, parts.get("mean end-to-end"));
    assertEquals(10, parts.get("mean queue"));
    assertEquals(40, parts.get("mean prefill"));
    assertEquals(50, parts.get("mean decode"));
    assertEquals(3, parts.get("mean sampling, in prefill and decode"));
    assertEquals(5, parts.get("mean client's delay"));
    assertEquals(45, parts.get("mean remainder"), 1e-9);
  }

  @Test
  void partsOfOtherRequestsThanTheClientsAreNotTold() {
    var two = new ServerTimes(2, 1, 1, 1, OptionalDouble.empty());

    assertTrue(LatencySplit.of(List.of(answer(1000, 1100)), two).isEmpty());
  }

  @Test
  void aServersTimesAreSummedOverLabels() {
    ServerTimes twice = times(FakeOpenAi.metrics(2)).orElseThrow();
    ServerTimes once = times(FakeOpenAi.metrics(1)).orElseThrow();

    assertEquals(
        new ServerTimes(1, 0.001, 0.002, 0.003, OptionalDouble.of(0.0005)), twice.since(once));
    assertTrue(times("up 1.0\n").isEmpty());
    assertEquals(
        5,
        times(
                FakeOpenAi.metrics(2)
                    + "vllm:request_decode_time_seconds_count{engine=\"1\"} 3 1700000000\n")
            .orElseThrow()
            .requests());
  }

  private static Optional<ServerTimes> times(String metrics) {
    return ServerTimes.of(new ServerMetrics(metrics));
  }
}
