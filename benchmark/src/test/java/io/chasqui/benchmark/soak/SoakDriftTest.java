package io.chasqui.benchmark.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.Server;
import java.time.Instant;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class SoakDriftTest {
  private static final DoubleUnaryOperator STEADY = at -> 1;

  private static SoakSample sample(double minutes, double latency, double memory) {
    return new SoakSample(
        minutes,
        new SoakSample.Latencies(100 * latency, 200 * latency, 10 * latency, 30 * latency),
        new Server.Holdings(new Server.Resident((long) (1e8 * memory), 0, 0), 50, 20),
        0.5,
        OptionalDouble.of(1e7));
  }

  private static SoakSample rest(int files, int threads, double kvUsage) {
    return new SoakSample(
        0,
        null,
        new Server.Holdings(new Server.Resident(1, 0, 0), files, threads),
        kvUsage,
        OptionalDouble.empty());
  }

  /** Samples whose values are multiplied by what is given for the part of the time, 0 to 1. */
  private static List<SoakSample> samples(DoubleUnaryOperator latency, DoubleUnaryOperator memory) {
    return IntStream.rangeClosed(0, 23)
        .mapToObj(i -> sample(i, latency.applyAsDouble(i / 23.0), memory.applyAsDouble(i / 23.0)))
        .toList();
  }

  private static List<String> beyond(SoakDrift drift) {
    return drift.beyond().stream().map(SoakDrift.Change::name).toList();
  }

  private static List<String> beyond(List<SoakSample> samples) {
    return beyond(new SoakDrift(samples, rest(9, 9, 0), rest(9, 9, 0)));
  }

  @Test
  void aSteadyServerDoesNotDrift() {
    assertEquals(List.of(), beyond(samples(STEADY, STEADY)));
  }

  @Test
  void latencyMayRiseByAFifth() {
    assertEquals(List.of(), beyond(samples(at -> 1 + 0.19 * at, STEADY)));
    assertEquals(
        List.of("TTFT, median", "ITL, median"), beyond(samples(at -> 1 + 0.21 * at, STEADY)));
    assertEquals(4, beyond(samples(at -> 1 + 0.51 * at, STEADY)).size());
  }

  @Test
  void memoryMayRiseByATwentieth() {
    assertEquals(List.of(), beyond(samples(STEADY, at -> 1 + 0.049 * at)));
    assertEquals(List.of("anonymous memory"), beyond(samples(STEADY, at -> 1 + 0.051 * at)));
  }

  @Test
  void whatBecomesBetterDoesNotDrift() {
    assertEquals(List.of(), beyond(samples(at -> 2 - at, at -> 2 - at)));
  }

  @Test
  void whatARestedServerHoldsMayNotBecomeMore() {
    List<SoakSample> steady = samples(STEADY, STEADY);

    assertEquals(
        List.of("open files at rest", "threads at rest", "KV blocks in use at rest"),
        beyond(new SoakDrift(steady, rest(9, 9, 0), rest(10, 10, 0.01))));
    assertEquals(List.of(), beyond(new SoakDrift(steady, rest(9, 9, 0.01), rest(8, 8, 0))));
  }

  @Test
  void whatDriftsIsNamedWithItsLimit() {
    var drift = new SoakDrift(samples(STEADY, STEADY), rest(9, 9, 0), rest(11, 9, 0));

    assertEquals(
        "open files at rest drifts by +2.0, where +0 is the limit",
        drift.beyond().getFirst().sentence());
  }

  @Test
  void resultsHaveEachSampleAtItsMinute() {
    List<SoakSample> samples = samples(STEADY, at -> 1 + at);
    var environment = new Environment(Instant.EPOCH, "c", "cpu", 2, 1, 1, "os", "jvm");
    Results.Builder builder =
        Results.begin("soak", 1, environment).subject(Subject.of("jvm", "JVM"));
    var results = new SoakResults(builder, "jvm");
    results.addCounted(samples);
    results.addRest(rest(9, 9, 0), rest(9, 9, 0));
    results.addDrift(new SoakDrift(samples, rest(9, 9, 0), rest(9, 9, 0)));

    List<Measurement> memory =
        builder.build().measurements().stream()
            .filter(each -> each.group().startsWith("counted"))
            .filter(each -> each.quantity().name().equals("anonymous memory"))
            .toList();
    assertEquals(24, memory.size());
    assertEquals(23, memory.getLast().at().orElseThrow());
    assertEquals(200, memory.getLast().median(), 1e-6);
    assertTrue(builder.build().notes().getLast().startsWith("anonymous memory drifts by +"));
  }
}
