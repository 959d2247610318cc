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
      assertTrue(tokens >= 1 && tokens <= streams + 4, streams + " streams: " + tokens);
    }
  }

  @Test
  void aStepHasNoTileThatIsPartlyEmpty() {
    for (int prompts = 1; prompts <= 8; prompts++) {
      for (int streams = 1; streams <= 64; streams++) {
        int tokens = PrefillPace.tokens(prompts, streams) + streams;
        assertEquals(0, tokens % 4, prompts + " prompts, " + streams + " streams");
      }
    }
  }

  @Test
  void eachOfSeveralPromptsGetsSoManyTimesAsMuch() {
    assertEquals(4, PrefillPace.tokens(1, 4));
    assertEquals(24, PrefillPace.tokens(2, 4));
    assertEquals(88, PrefillPace.tokens(4, 4));
  }
}
