package io.chasqui.http;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * So many of something a minute: a token bucket that holds what a minute brings, and may be owed
 * to.
 */
final class Quota {
  private static final double NANOS = 60e9;

  private final double perMinute;
  private final LongSupplier clock;
  private double left;
  private long asOf;

  /**
   * @param clock nanoseconds since any point in time
   */
  Quota(long perMinute, LongSupplier clock) {
    this.perMinute = perMinute;
    this.clock = clock;
    left = perMinute;
    asOf = clock.getAsLong();
  }

  /** How long until so many are there, or as many as there ever are; zero if they are now. */
  synchronized Duration until(double amount) {
    refill();
    double missing = Math.min(amount, perMinute) - left;
    return Duration.ofNanos((long) Math.ceil(Math.max(0, missing) / perMinute * NANOS));
  }

  /** Takes so many, whether they are there or not. */
  synchronized void spend(double amount) {
    refill();
    left -= amount;
  }

  private void refill() {
    long now = clock.getAsLong();
    left = Math.min(perMinute, left + (now - asOf) / NANOS * perMinute);
    asOf = now;
  }
}
