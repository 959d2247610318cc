package io.chasqui.benchmark.serve;

import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/** When requests arrive. All of them have the same mean rate. */
public enum Arrivals {
  /** Independent of each other: the gaps are exponentially distributed. */
  POISSON,

  /** All gaps are the same. */
  CONSTANT,

  /** Groups, whose requests come at the same time; all gaps between groups are the same. */
  BURST;

  private static final double SECOND = 1e9;

  /**
   * The times, in nanoseconds from the beginning, ascending.
   *
   * @param rate requests a second, on average
   * @param seconds that all times lie within
   * @param burst requests of a group
   * @param random of the gaps, where they are random
   */
  public long[] times(double rate, double seconds, int burst, SplittableRandom random) {
    DoubleStream times =
        switch (this) {
          case POISSON -> {
            double[] time = {0};
            yield DoubleStream.generate(() -> time[0] += exponential(random) / rate);
          }
          case CONSTANT -> IntStream.iterate(0, i -> i + 1).mapToDouble(i -> i / rate);
          case BURST ->
              IntStream.iterate(0, i -> i + 1).mapToDouble(i -> (i / burst) * (burst / rate));
        };
    return times
        .takeWhile(time -> time < seconds)
        .mapToLong(time -> Math.round(time * SECOND))
        .toArray();
  }

  /** With a mean of 1. */
  private static double exponential(SplittableRandom random) {
    return -Math.log(1 - random.nextDouble());
  }

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
