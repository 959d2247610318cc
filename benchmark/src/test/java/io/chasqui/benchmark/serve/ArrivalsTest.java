package io.chasqui.benchmark.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ArrivalsTest {
  private static final long SECOND = 1_000_000_000;

  private static long[] times(Arrivals arrivals, double rate, double seconds, long seed) {
    return arrivals.times(rate, seconds, 4, new SplittableRandom(seed));
  }

  @Test
  void constantArrivalsHaveEqualGaps() {
    assertArrayEquals(
        new long[] {0, SECOND / 2, SECOND, 3 * SECOND / 2}, times(Arrivals.CONSTANT, 2, 2, 1));
  }

  @Test
  void aBurstComesAtOnceAndBurstsKeepTheRate() {
    assertArrayEquals(
        new long[] {0, 0, 0, 0, 2 * SECOND, 2 * SECOND, 2 * SECOND, 2 * SECOND},
        times(Arrivals.BURST, 2, 4, 1));
  }

  @Test
  void theSeedDecidesWhenPoissonArrivalsCome() {
    assertArrayEquals(times(Arrivals.POISSON, 5, 10, 1), times(Arrivals.POISSON, 5, 10, 1));
    assertFalse(
        Arrays.equals(times(Arrivals.POISSON, 5, 10, 1), times(Arrivals.POISSON, 5, 10, 2)));
  }

  @Test
  void poissonGapsAreExponential() {
    long[] times = times(Arrivals.POISSON, 100, 1000, 1);
    double[] gaps =
        IntStream.range(1, times.length).mapToDouble(i -> times[i] - times[i - 1]).toArray();
    double mean = Arrays.stream(gaps).average().orElseThrow();
    double variance =
        Arrays.stream(gaps).map(gap -> (gap - mean) * (gap - mean)).average().orElse(0);

    assertEquals(SECOND / 100.0, mean, mean / 50);
    assertEquals(mean, Math.sqrt(variance), mean / 50);
  }

  @ParameterizedTest
  @EnumSource
  void timesAscendAndLieWithinTheDuration(Arrivals arrivals) {
    long[] times = times(arrivals, 7.5, 20, 3);

    assertTrue(times.length > 0 && times[times.length - 1] < 20 * SECOND);
    assertArrayEquals(Arrays.stream(times).sorted().toArray(), times);
  }
}
