package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Streams and prompts that share steps share their time. */
class PrefillPaceTest {
  private final PrefillPace pace = new PrefillPace();

  @Test
  void aStepWithOnePromptTakesLessThanTwiceAsLong() {
    pace.measured(0, 4, 20_000_000);
    pace.measured(10, 4, 30_000_000); // a millisecond for each token of a prompt

    for (int streams = 1; streams <= 16; streams++) {
      int tokens = pace.tokens(1, streams);
      assertEquals(16, tokens);
    }
  }

  @Test
  void promptsThatAreMoreThanTheStreamsGetMore() {
    pace.measured(0, 1, 20_000_000);
    pace.measured(10, 1, 30_000_000);

    assertEquals(16, pace.tokens(4, 4));
    assertEquals(64, pace.tokens(4, 1));
    assertEquals(240, pace.tokens(15, 1));
  }

  @Test
  void promptsAreNeverHeldUpAltogether() {
    pace.measured(0, 1, 1_000);
    pace.measured(1, 1, 1_000_000_000);

    assertTrue(pace.tokens(1, 16) > 0);
  }
}
