package io.chasqui.benchmark.autoscaling;

import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.DoubleUnaryOperator;

/**
 * When requests come: a Poisson process, whose rate may change with time.
 *
 * @param seconds for which they come
 * @param rate requests a second by the time
 * @param mostRate that is never exceeded
 */
public record Traffic(String title, double seconds, DoubleUnaryOperator rate, double mostRate) {
  private static final double HOUR = 3600;
  private static final double MORNING = 7 * HOUR;
  private static final double EVENING = 23 * HOUR;

  /**
   * @param rate requests a second
   */
  public static Traffic steady(double rate, double seconds) {
    return new Traffic("%s requests/s".formatted(number(rate)), seconds, time -> rate, rate);
  }

  /**
   * A few requests, at any time of a day.
   *
   * @param perHour requests an hour
   */
  public static Traffic sparse(double perHour) {
    double rate = perHour / HOUR;
    return new Traffic(
        "a day of %s requests an hour".formatted(number(perHour)), 24 * HOUR, time -> rate, rate);
  }

  /**
   * A day from midnight to midnight: half a sine from 7 to 23 o'clock, and a night in which next to
   * nobody comes.
   *
   * @param most requests a second at three in the afternoon
   * @param night requests an hour before 7 and after 23 o'clock
   */
  public static Traffic day(double most, double night) {
    return new Traffic(
        "a day of at most %s requests/s, %s an hour by night"
            .formatted(number(most), number(night)),
        24 * HOUR,
        time ->
            Math.max(
                night / HOUR,
                MORNING < time && time < EVENING
                    ? most * Math.sin(Math.PI * (time - MORNING) / (EVENING - MORNING))
                    : 0),
        Math.max(most, night / HOUR));
  }

  /**
   * A low rate, and every so often a high one.
   *
   * @param low requests a second
   * @param high requests a second
   * @param every seconds from the begin of a burst to that of the next
   * @param length seconds of a burst
   */
  public static Traffic bursts(
      double low, double high, double every, double length, double seconds) {
    return new Traffic(
        "%s requests/s, and %s for %s s every %s s"
            .formatted(number(low), number(high), number(length), number(every)),
        seconds,
        time -> time % every >= every - length ? high : low,
        high);
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.format(Locale.ROOT, "%,.0f", value)
        : String.valueOf(value);
  }

  /**
   * The next arrival after a time, by thinning (Lewis and Shedler 1979).
   *
   * @return infinity if nobody comes any more
   */
  double next(double time, SplittableRandom random) {
    double next = time;
    do {
      next -= Math.log(1 - random.nextDouble()) / mostRate;
    } while (next < seconds && random.nextDouble() * mostRate >= rate.applyAsDouble(next));
    return next < seconds ? next : Double.POSITIVE_INFINITY;
  }

  /** The mean rate. */
  public double meanRate() {
    int points = 100_000;
    double sum = 0;
    for (int i = 0; i < points; i++) {
      sum += rate.applyAsDouble((i + 0.5) * seconds / points);
    }
    return sum / points;
  }
}
