package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Map;
import org.junit.jupiter.api.Test;

class ServiceTimesTest {
  private static final double EXACTLY = 1e-12;

  @Test
  void betweenMeasuredTimesIsAStraightLine() {
    var times = new ServiceTimes(Map.of(2, 20.0, 4, 30.0, 8, 70.0));

    assertEquals(0.020, times.step(1), EXACTLY);
    assertEquals(0.020, times.step(2), EXACTLY);
    assertEquals(0.025, times.step(3), EXACTLY);
    assertEquals(0.060, times.step(7), EXACTLY);
    assertEquals(0.090, times.step(10), EXACTLY);
    assertEquals(19.990, times.step(2000), EXACTLY);
  }

  @Test
  void moreTokensCostAsMuchAtLeast() {
    var times = new ServiceTimes(Map.of(1, 20.0, 2, 19.0, 4, 30.0));

    assertEquals(0.020, times.step(2), EXACTLY);
    assertEquals(0.025, times.step(3), EXACTLY);
  }

  @Test
  void whatIsNoTimeIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new ServiceTimes(Map.of(1, 20.0)));
    assertThrows(IllegalArgumentException.class, () -> new ServiceTimes(Map.of(1, 20.0, 2, 0.0)));
    assertThrows(
        IllegalArgumentException.class, () -> new ServiceTimes(Map.of(1, 20.0, 2, Double.NaN)));
  }
}
