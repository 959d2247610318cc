package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class TokenTimesTest {
  private static final long MS = 1_000_000;

  /** Sent at 5 ms; tokens at 10, 20, 40 and 50 ms. */
  private final TokenTimes times =
      new TokenTimes(5 * MS, List.of(10 * MS, 20 * MS, 40 * MS, 50 * MS));

  @Test
  void theFirstTokenIsTimedFromTheRequest() {
    assertEquals(5.0, times.firstTokenMillis());
  }

  @Test
  void aTokenCountsForThePartOfItsGapThatLiesWithin() {
    assertEquals(3.0, times.tokensBetween(0, 100 * MS), 1e-9);
    assertEquals(0.5 + 1 + 0.2, times.tokensBetween(15 * MS, 42 * MS), 1e-9);
    assertEquals(0.25, times.tokensBetween(25 * MS, 30 * MS), 1e-9);
    assertEquals(0.0, times.tokensBetween(50 * MS, 60 * MS), 1e-9);
  }

  @Test
  void aGapLiesWithinWhenBothItsEndsDo() {
    assertEquals(List.of(20.0, 10.0), times.gapsWithin(20 * MS, 50 * MS));
    assertEquals(List.of(), times.gapsWithin(21 * MS, 39 * MS));
  }

  @Test
  void aGapTouchesWhenAnyPartOfItLiesWithin() {
    assertEquals(List.of(20.0), times.gapsTouching(21 * MS, 39 * MS));
    assertEquals(List.of(20.0, 10.0), times.gapsTouching(20 * MS, 41 * MS));
    assertEquals(List.of(), times.gapsTouching(50 * MS, 60 * MS));
  }
}
