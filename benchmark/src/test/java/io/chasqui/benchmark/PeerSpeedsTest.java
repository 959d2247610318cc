package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class PeerSpeedsTest {
  @Test
  void aRatioIsOfOneRoundAndTheTableHasMedians() {
    var speeds = new PeerSpeeds(List.of("A", "B"));
    for (double[] round : new double[][] {{10, 5}, {30, 20}, {20, 5}}) {
      speeds.add("pp1", "A", round[0]);
      speeds.add("pp1", "B", round[1]);
    }
    assertEquals(
        List.of(
            "| tokens/s | A | B | A ÷ B |",
            "|---|---|---|---|",
            "| pp1 | 20.0 | 5.0 | ×2.00 (1.50–4.00) |"),
        speeds.table());
  }
}
