package io.chasqui.http;

import java.time.Duration;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * So many of something a minute: a token bucket that holds what a minute brings, and may be owed
 * to. What costs an amount that is known only at its end takes the most that it can cost, and gives
 * the rest back. So what takes several minutes has what they bring.
 */
final class Quota {
  private static final double NANOS = 60e9;

  private final double perMinute;
  private final LongSupplier clock;

  /** Less than nothing where some are owed; what is reserved is taken already. */
  private double left;

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

  /**
   * How long until so many are there, or as many as there ever are, if all that is reserved were
   * given back; zero if they are there now.
   */
  synchronized Duration until(double amount) {
    refill();
    double missing = Math.min(amount, perMinute) - (left + reserved);
    return Duration.ofNanos((long) Math.ceil(Math.max(0, missing) / perMinute * NANOS));
  }

  /** Takes so many, whether they are there or not. */
  synchronized void spend(double amount) {
    refill();
    left -= amount;
  }

  /** Whether one is there that is not reserved. */
  synchronized boolean hasUnreserved() {
    refill();
    return left >= 1;
  }

  /**
   * Reserves so many, whether they are there or not, if one is there that is not reserved. So a
   * single reservation may come to owe, by less than itself, and several together by less than the
   * last of them.
   *
   * @return empty if all are reserved or spent
   */
  synchronized Optional<Reservation> reserve(long most) {
    if (!hasUnreserved()) {
      return Optional.empty();
    }
    left -= most;
    reserved += most;
    return Optional.of(new Reservation(most));
  }

  /** The most that something can cost. */
  final class Reservation {
    private final long most;

    private Reservation(long most) {
      this.most = most;
    }

    /** Gives back what it has not cost; to be called once. */
    void settle(long cost) {
      synchronized (Quota.this) {
        refill();
        left += most - cost;
        reserved -= most;
      }
    }
  }

  private void refill() {
    long now = clock.getAsLong();
    left = Math.min(perMinute, left + (now - asOf) / NANOS * perMinute);
    asOf = now;
  }
}
