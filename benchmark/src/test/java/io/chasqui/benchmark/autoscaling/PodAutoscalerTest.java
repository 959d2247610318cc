package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

/** The rules of Knative Serving's {@code autoscaler.go}, computed by hand. */
class PodAutoscalerTest {
  private static final int CONCURRENCY = 10;

  /** Of the default utilization. */
  private static final double TARGET = 7;

  private static PodAutoscaler autoscaler(Scaling scaling) {
    return new PodAutoscaler(scaling, 0);
  }

  private static void record(PodAutoscaler autoscaler, long first, long last, double concurrency) {
    LongStream.rangeClosed(first, last).forEach(second -> autoscaler.record(second, concurrency));
  }

  private static int pods(PodAutoscaler autoscaler, long now, int ready) {
    return autoscaler.decide(now, ready).orElseThrow().pods();
  }

  @Test
  void podsAreTheMeanOfTheStableWindowByTheTarget() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    record(autoscaler, 1, 30, 5 * TARGET);
    record(autoscaler, 31, 60, 5 * TARGET + 2);

    assertEquals(6, pods(autoscaler, 60, 5)); // (35 + 37) / 2 / 7 = 5.14
    assertFalse(autoscaler.isPanicking());
  }

  @Test
  void withoutAMetricNothingIsDecided() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    assertTrue(autoscaler.decide(2, 1).isEmpty());

    autoscaler.record(10, 1);

    assertTrue(autoscaler.decide(70, 1).isPresent());
    assertTrue(autoscaler.decide(71, 1).isEmpty());
  }

  @Test
  void aTargetIsNotBelowOneRequest() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(1).withUtilization(50));
    record(autoscaler, 1, 60, 3);

    assertEquals(3, pods(autoscaler, 60, 3));
  }

  @Test
  void twiceTheReadyPodsInThePanicWindowIsPanic() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    record(autoscaler, 1, 60, TARGET);
    // Means over six seconds, of pods: 1 + 2k / 6, rounded up.
    autoscaler.record(61, 3 * TARGET);
    assertEquals(2, pods(autoscaler, 61, 2));
    assertFalse(autoscaler.isPanicking());

    record(autoscaler, 62, 66, 4 * TARGET);

    assertEquals(4, pods(autoscaler, 66, 2)); // (3 + 5 * 4) / 6 = 3.83
    assertTrue(autoscaler.isPanicking());
  }

  @Test
  void aPanicTakesNoPodsAwayUntilAStableWindowAfterIt() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    record(autoscaler, 1, 60, TARGET);
    record(autoscaler, 61, 66, 10 * TARGET);
    assertEquals(10, pods(autoscaler, 66, 1));

    record(autoscaler, 67, 126, TARGET);
    assertEquals(10, pods(autoscaler, 126, 10));
    assertTrue(autoscaler.isPanicking());

    autoscaler.record(127, TARGET);

    assertEquals(5, pods(autoscaler, 127, 10));
    assertFalse(autoscaler.isPanicking());
  }

  @Test
  void podsAreHalvedAtMost() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    record(autoscaler, 1, 60, 0);

    assertEquals(5, pods(autoscaler, 60, 11));
    assertEquals(2, pods(autoscaler, 62, 5));
    assertEquals(1, pods(autoscaler, 64, 2));
    assertEquals(0, pods(autoscaler, 66, 1));
  }

  @Test
  void podsAreMultipliedByAThousandAtMost() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    record(autoscaler, 1, 6, 5000 * TARGET);

    assertEquals(1000, pods(autoscaler, 6, 0));
  }

  @Test
  void anAutoscalerThatFindsSeveralPodsKeepsThemForAWindow() {
    var autoscaler = new PodAutoscaler(Scaling.defaults(CONCURRENCY), 4);
    record(autoscaler, 1, 60, 0);
    assertEquals(4, pods(autoscaler, 60, 4));

    autoscaler.record(61, 0);

    assertEquals(2, pods(autoscaler, 61, 4));
  }

  @Test
  void scalingDownWaitsForItsDelay() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY).withDelays(40, 0));
    record(autoscaler, 1, 60, 3 * TARGET);
    assertEquals(3, pods(autoscaler, 60, 3));

    record(autoscaler, 61, 90, 0);
    assertEquals(3, pods(autoscaler, 90, 3)); // 30 of 60 seconds with three pods: two

    record(autoscaler, 91, 100, 0);
    assertEquals(2, pods(autoscaler, 100, 3)); // 20 of them: one
  }

  @Test
  void excessBurstCapacityIsWhatReadyPodsHoldBeyondTheBurst() {
    PodAutoscaler autoscaler = autoscaler(Scaling.defaults(CONCURRENCY));
    record(autoscaler, 1, 60, 30.5);

    assertEquals(58, autoscaler.decide(60, 30).orElseThrow().excessBurstCapacity());
    assertEquals(-42, autoscaler.decide(60, 20).orElseThrow().excessBurstCapacity());
  }

  @Test
  void aBurstCapacityOfZeroOrMinusOneIsTheSignItself() {
    for (int capacity = -1; capacity <= 0; capacity++) {
      PodAutoscaler autoscaler =
          autoscaler(Scaling.defaults(CONCURRENCY).withTargetBurstCapacity(capacity));
      autoscaler.record(1, 1000);

      assertEquals(capacity, autoscaler.decide(2, 1).orElseThrow().excessBurstCapacity());
    }
  }

  /**
   * A case of Knative's own {@code autoscaler_test.go}: pods wanted by the means of both windows.
   */
  private static void assertWants(
      int expected, PodAutoscaler autoscaler, long now, int ready, double stable, double panic) {
    assertEquals(expected, autoscaler.decide(now, ready, stable, panic).pods());
  }

  private static PodAutoscaler withTarget(int target) {
    return autoscaler(Scaling.defaults(target).withUtilization(100));
  }

  @Test
  void stableModeIsAsInKnativesTests() {
    PodAutoscaler increase = withTarget(10);
    assertWants(5, increase, 0, 1, 50, 10);
    assertWants(10, increase, 2, 1, 100, 10);

    PodAutoscaler decrease = withTarget(10);
    assertWants(10, decrease, 0, 8, 100, 100);
    assertWants(5, decrease, 2, 8, 50, 50);

    PodAutoscaler idle = withTarget(10);
    assertWants(1, idle, 0, 1, 1, 0);
    assertWants(0, idle, 2, 1, 0, 0);
  }

  @Test
  void theEndOfPanicIsAsInKnativesTests() {
    PodAutoscaler autoscaler = withTarget(1);
    assertWants(25, autoscaler, 100, 10, 11, 25);
    assertWants(41, autoscaler, 130, 40, 30, 41);
    assertTrue(autoscaler.isPanicking());
    assertWants(50, autoscaler, 162, 55, 50, 56);
    assertFalse(autoscaler.isPanicking());

    PodAutoscaler extended = withTarget(1);
    assertWants(25, extended, 100, 10, 11, 25);
    assertWants(80, extended, 130, 40, 30, 80);
    assertTrue(extended.isPanicking());
  }

  @Test
  void scaleDownDelayIsAsInKnativesTests() {
    PodAutoscaler autoscaler =
        autoscaler(Scaling.defaults(10).withUtilization(100).withDelays(300, 0));
    assertWants(4, autoscaler, 2, 4, 40, 40);
    assertWants(4, autoscaler, 300, 1, 0, 0);
    assertWants(0, autoscaler, 302, 1, 0, 0);
  }
}
