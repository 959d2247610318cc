package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class TrafficTest {
  private static int arrivals(Traffic traffic, double begin, double end) {
    var random = new SplittableRandom(5);
    int count = 0;
    double time = traffic.next(0, random);
    while (time < traffic.seconds()) {
      count += begin <= time && time < end ? 1 : 0;
      time = traffic.next(time, random);
    }
    return count;
  }

  @Test
  void requestsComeAtTheRate() {
    Traffic steady = Traffic.steady(10, 10_000);

    assertEquals(100_000, arrivals(steady, 0, 10_000), 1000);
    assertEquals(10, steady.meanRate(), 1e-9);
  }

  @Test
  void burstsComeAtTheEndOfEachPeriod() {
    Traffic bursts = Traffic.bursts(2, 20, 600, 60, 6000);

    assertEquals(2 * 540, arrivals(bursts, 600, 1140), 130);
    assertEquals(20 * 60, arrivals(bursts, 1140, 1200), 140);
    assertEquals(3.8, bursts.meanRate(), 0.01);
  }

  @Test
  void aDayHasAnIdleNight() {
    Traffic day = Traffic.day(5, 12);
    double hour = 3600;

    assertEquals(7 * 12, arrivals(day, 0, 7 * hour), 36);
    // 2 / pi of the most for 16 hours, and the night's.
    assertEquals(2 / Math.PI * 5 * 16 / 24 + 12 / hour * 8 / 24, day.meanRate(), 0.01);
    assertEquals(5, day.rate().applyAsDouble(15 * hour), 1e-9);
  }
}
