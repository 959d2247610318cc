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

  /** Of what is left, what may yet be spent for what has begun. */
  private long reserved;

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

  /** How long until there is one, whatever is reserved; zero if there is one now. */
  synchronized Duration untilSome() {
    refill();
    return Duration.ofNanos((long) Math.ceil(Math.max(0, 1 - left) / perMinute * NANOS));
  }

  /** Whether there is one that is not reserved. */
  synchronized boolean hasSome() {
    refill();
    return left - reserved >= 1;
  }

  /** Takes so many, whether they are there or not. */
  synchronized void spend(double amount) {
    refill();
    left -= amount;
  }

  /** Reserves so many, whether they are there or not; false if there is not even one. */
  synchronized boolean reserve(long amount) {
    if (!hasSome()) {
      return false;
    }
    reserved += amount;
    return true;
  }

  /** Gives back what was reserved, and takes what it has come to. */
  synchronized void settle(long amount, long spent) {
    reserved -= amount;
    spend((double) spent);
  }

  private void refill() {
    long now = clock.getAsLong();
    left = Math.min(perMinute, left + (now - asOf) / NANOS * perMinute);
    asOf = now;
  }
}
