package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.http.Quota.Reservation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class QuotaTest {
  private final AtomicLong now = new AtomicLong();
  private final Quota quota = new Quota(60, now::get);

  /** How many are missing from a full bucket. */
  private static double missing(Quota quota) {
    return quota.until(60).toNanos() / 1e9; // one a second
  }

  @Test
  void oneMayReserveMoreThanIsLeft() {
    quota.spend(59);

    assertTrue(quota.reserve(1_000_000).isPresent());
  }

  @Test
  void nobodyReservesWhereNothingIsLeft() {
    quota.spend(59.5);

    assertTrue(quota.reserve(1).isEmpty());
  }

  @Test
  void othersReserveWhileOneIsLeftBesideWhatIsReserved() {
    assertTrue(quota.reserve(30).isPresent());
    assertTrue(quota.reserve(29).isPresent());
    assertTrue(quota.reserve(100).isPresent());
    assertFalse(quota.hasUnreserved());
    assertTrue(quota.reserve(1).isEmpty());
  }

  @Test
  void othersReserveWhenMinutesHaveBroughtWhatIsReserved() {
    assertTrue(quota.reserve(180).isPresent());
    now.addAndGet(Duration.ofMinutes(2).toNanos());
    assertTrue(quota.reserve(1).isEmpty());
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertTrue(quota.reserve(1).isPresent());
  }

  @Test
  void whatTakesMinutesHasWhatTheyBring() {
    Reservation reservation = quota.reserve(500).orElseThrow();
    now.addAndGet(Duration.ofMinutes(2).toNanos());

    reservation.settle(180);

    assertEquals(60, missing(quota), "what three minutes bring is spent after two");
  }

  @Test
  void whatIsGivenBackFillsTheBucketAndNoMore() {
    Reservation reservation = quota.reserve(30).orElseThrow();
    now.addAndGet(Duration.ofMinutes(5).toNanos());

    reservation.settle(20);

    assertTrue(quota.reserve(60).isPresent());
    assertTrue(quota.reserve(1).isEmpty());
  }

  @Test
  void whatIsReservedIsStillThere() {
    assertTrue(quota.reserve(100).isPresent());

    assertEquals(Duration.ZERO, quota.until(60));
  }

  @Test
  void whatWasReservedIsGivenBackAndWhatItCostIsSpent() {
    Reservation reservation = quota.reserve(100).orElseThrow();
    assertTrue(quota.reserve(1).isEmpty());

    reservation.settle(20);

    assertTrue(quota.hasUnreserved());
    assertEquals(20, missing(quota));
    quota.reserve(100).orElseThrow().settle(0);
    assertEquals(20, missing(quota));
  }

  @Test
  void whatIsReservedTogetherCannotComeToOweMoreThanItsLast() {
    long seed = Long.getLong("seed", System.nanoTime());
    var random = new Random(seed);
    for (int round = 0; round < 1000; round++) {
      var each = new Quota(60, now::get);
      each.spend(random.nextInt(60));
      long left = Math.round(60 - missing(each));
      List<Reservation> reservations = new ArrayList<>();
      long all = 0;
      long last = 0;
      Optional<Reservation> next;
      do {
        long most = 1L + random.nextInt(40);
        next = each.reserve(most);
        if (next.isPresent()) {
          reservations.add(next.get());
          all += most;
          last = most;
        }
      } while (next.isPresent());
      assertTrue(all - left < last, "seed " + seed);
      assertEquals(all >= left, !each.hasUnreserved(), "seed " + seed);
      reservations.forEach(reservation -> reservation.settle(0));
      assertTrue(each.hasUnreserved(), "seed " + seed);
    }
  }
}
