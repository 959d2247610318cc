package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class RoundsTest {
  @Test
  void theMedianOfAnEvenNumberIsBetweenTheMiddleTwo() {
    assertEquals(2.5, Rounds.median(List.of(9.0, 1.0, 2.0, 3.0)));
    assertEquals(3.0, Rounds.median(List.of(9.0, 1.0, 3.0)));
  }

  @Test
  void aRatioIsOfTwoNumbersOfOneRound() {
    var rounds = new Rounds();
    for (double[] round : new double[][] {{10, 5}, {30, 20}, {20, 5}}) {
      rounds.add("test", "A", round[0]);
      rounds.add("test", "B", round[1]);
    }
    assertEquals(List.of(2.0, 1.5, 4.0), rounds.ratios("test", "A", "B"));
    assertEquals(List.of(5.0, 20.0, 5.0), rounds.of("test", "B"));
  }

  @Test
  void aSpreadIsTheMedianTheLeastAndTheMost() {
    assertEquals("2.0 (1.0–9.0)", Rounds.spread("%.1f", List.of(9.0, 1.0, 2.0)));
  }
}
