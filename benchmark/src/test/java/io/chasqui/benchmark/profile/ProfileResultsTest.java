package io.chasqui.benchmark.profile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.kernel.DType;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ProfileResultsTest {
  private static final int THREADS = 2;
  private static final long SECOND = 1_000_000_000;
  private static final Operation PRODUCT = new Operation("matmul", Optional.of(DType.Q4));

  private static OperationSum sum(double threadSeconds, long macs, long bytes) {
    var sum = new OperationSum();
    sum.add((long) (threadSeconds * SECOND), macs, bytes);
    return sum;
  }

  private static List<Measurement> results(OperationSum product) {
    var environment = new Environment(Instant.EPOCH, "c", "cpu", 2, 1, 1, "os", "jvm");
    Results.Builder builder =
        Results.begin("profile", 1, environment).subject(Subject.of("x", "X"));
    var limits = new ProfileResults.Limits(50e9, Map.of(DType.Q4, 200e9));
    new ProfileResults(builder, "x", THREADS, limits)
        .add(
            new ProfileResults.Round(
                "decode",
                100,
                9 * SECOND,
                SECOND,
                3 * SECOND / 2,
                Map.of(PRODUCT, product, Operation.NORM, sum(1, 0, 0)),
                8 * SECOND));
    return builder.build().measurements();
  }

  private static double value(List<Measurement> results, String name, String unit) {
    return results.stream()
        .filter(each -> each.quantity().name().equals(name))
        .filter(each -> each.quantity().unit().equals(unit))
        .findFirst()
        .orElseThrow()
        .median();
  }

  @Test
  void allThreadsTimeIsAccountedFor() {
    List<Measurement> results = results(sum(12, 1, 1));
    String share = "% of the time";

    assertEquals(60, value(results, "matmul", share), 1e-9);
    assertEquals(5, value(results, "norms", share), 1e-9);
    assertEquals(25, value(results, "barriers and what else is in a pass", share), 1e-9);
    assertEquals(7.5, value(results, "sampling", share), 1e-9);
    assertEquals(2.5, value(results, "idle beside sampling", share), 1e-9);
    assertEquals(
        100,
        results.stream()
            .filter(each -> each.quantity().unit().equals(share))
            .mapToDouble(Measurement::median)
            .sum(),
        1e-9);
  }

  @Test
  void whatTakesLongestComesFirst() {
    assertEquals("matmul", results(sum(12, 1, 1)).getFirst().quantity().name());
    assertEquals("norms", results(sum(0.5, 1, 1)).getFirst().quantity().name());
  }

  @Test
  void ratesAreThoseOfAllThreadsWhileTheyCompute() {
    List<Measurement> results = results(sum(12, 600_000_000_000L, 60_000_000_000L));

    assertEquals(100, value(results, "matmul", "GMAC/s"), 1e-9);
    assertEquals(10, value(results, "matmul", "GB/s"), 1e-9);
  }

  @Test
  void theNearerLimitIsTheRoof() {
    String roof = "% of the roof";

    assertEquals(50, value(results(sum(2, 100_000_000_000L, 1)), "matmul", roof), 1e-6);
    assertEquals(80, value(results(sum(2, 1, 40_000_000_000L)), "matmul", roof), 1e-6);
  }

  @Test
  void anOperationWithoutProductsHasTimeOnly() {
    assertTrue(
        results(sum(1, 1, 1)).stream()
            .noneMatch(each ->
                each.quantity().name().equals("norms") && each.quantity().unit().contains("/s")));
  }

  @Test
  void whatMeasuringCostsIsTold() {
    assertEquals(10, value(results(sum(1, 1, 1)), "speed", "tokens/s"), 1e-9);
    assertEquals(12.5, value(results(sum(1, 1, 1)), "speed without measuring", "tokens/s"), 1e-9);
  }
}
