package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Streams and prompts that share steps share their time. */
class PrefillPaceTest {
  @Test
  void onePromptAddsLessTokensThanCountForTheTimeOfAStep() {
    for (int streams = 1; streams <= 64; streams++) {
      int tokens = PrefillPace.tokens(1, streams);
      assertTrue(tokens >= 4 && tokens < streams + 4, streams + " streams: " + tokens);
    }
  }

  @Test
  void eachOfSeveralPromptsGetsSoManyTimesAsMuch() {
    assertEquals(6, PrefillPace.tokens(1, 4));
    assertEquals(25, PrefillPace.tokens(2, 4));
    assertEquals(102, PrefillPace.tokens(4, 4));
  }
}
