package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/**
 * The rules of Knative Serving's {@code TimedFloat64Buckets.WindowAverage}, with a window of 5 s.
 */
class MetricWindowTest {
  private final MetricWindow window = new MetricWindow(5);

  @Test
  void aWindowThatHasBegunIsAveragedOverWhatThereIs() {
    window.record(100, 3);
    assertEquals(3, window.average(100));
    window.record(101, 5);
    assertEquals(4, window.average(101));
  }

  @Test
  void whatIsOlderThanTheWindowIsForgotten() {
    for (int second = 1; second <= 8; second++) {
      window.record(second, second);
    }

    assertEquals((4 + 5 + 6 + 7 + 8) / 5.0, window.average(8));
  }

  @Test
  void aSecondWithoutAValueCountsAsNothing() {
    window.record(1, 6);
    window.record(4, 2);

    assertEquals(8 / 4.0, window.average(4));
  }

  @Test
  void secondsSinceTheLastValueDoNotCount() {
    for (int second = 1; second <= 5; second++) {
      window.record(second, second);
    }

    assertEquals((3 + 4 + 5) / 3.0, window.average(7));
    assertEquals(0, window.average(10));
  }

  @Test
  void valuesOfTheSameSecondAddUp() {
    window.record(1, 1);
    window.record(1, 2);

    assertEquals(3, window.average(1));
  }

  @Test
  void afterAWindowWithoutAValueItBeginsAnew() {
    window.record(1, 4);
    assertFalse(window.isEmpty(6));
    assertTrue(window.isEmpty(7));

    window.record(8, 10);

    assertEquals(10, window.average(8));
  }

  @Test
  void millionthsAreCutOff() {
    window.record(1, 1e-7);

    assertEquals(0, window.average(1));
  }
}
