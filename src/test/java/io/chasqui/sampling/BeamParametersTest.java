package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BeamParametersTest {

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 17, Integer.MAX_VALUE})
  void aNumberOfBeamsOutsideItsRangeIsRefusedByName(int beams) {
    refused("num_beams", () -> new BeamParameters(beams));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 5})
  void moreHypothesesThanBeamsAreRefusedByName(int n) {
    refused("n must", () -> new BeamParameters(4, n, 1, EarlyStopping.HEURISTIC));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-10.1, 10.1, Double.NaN, Double.NEGATIVE_INFINITY})
  void aLengthPenaltyOutsideItsRangeIsRefusedByName(double penalty) {
    refused("length_penalty", () -> new BeamParameters(4, 1, penalty, EarlyStopping.NEVER));
  }

  @Test
  void theMessageTellsTheBounds() {
    var refusal =
        assertThrows(
            IllegalArgumentException.class,
            () -> new BeamParameters(4, 5, 1, EarlyStopping.HEURISTIC));
    assertEquals("n must be between 1 and num_beams, which is 4, but is 5", refusal.getMessage());
  }

  @Test
  void theEndsOfTheRangesAreAllowed() {
    assertAll(
        () -> new BeamParameters(1, 1, -10, EarlyStopping.WHEN_FULL),
        () -> new BeamParameters(16, 16, 10, EarlyStopping.NEVER));
  }

  private static void refused(String name, Runnable creation) {
    var refusal = assertThrows(IllegalArgumentException.class, creation::run);
    assertTrue(refusal.getMessage().startsWith(name), refusal.getMessage());
  }
}
