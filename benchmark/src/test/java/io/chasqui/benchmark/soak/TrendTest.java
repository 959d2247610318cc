package io.chasqui.benchmark.soak;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TrendTest {
  private static final int COUNT = 24;

  private static List<Double> values(IntToDoubleFunction value) {
    return IntStream.range(0, COUNT).mapToObj(value::applyAsDouble).toList();
  }

  private static Trend trend(List<Double> values) {
    return Trend.of(values(i -> 2.0 * i), values);
  }

  @Test
  void aStraightLineIsFound() {
    Trend trend = trend(values(i -> 100 + i));

    assertEquals(100, trend.start(), 1e-9);
    assertEquals(123, trend.end(), 1e-9);
    assertEquals(23, trend.percent(), 1e-9);
    assertTrue(trend.rises());
  }

  @Test
  void aFewValuesThatStandOutDoNotTurnTheLine() {
    List<Double> values = new ArrayList<>(values(i -> 100 + i));
    values.set(3, 5000.0);
    values.set(22, 1.0);

    assertEquals(23, trend(values).percent(), 2);
  }

  @Test
  void whatFallsDoesNotRise() {
    Trend trend = trend(values(i -> 100 - i));

    assertEquals(-23, trend.percent(), 1e-9);
    assertFalse(trend.rises());
  }

  @Test
  void whatStaysHasNoTrend() {
    assertEquals(0, trend(values(i -> 0)).percent());
    assertFalse(trend(values(i -> 7)).rises());
  }

  @Test
  void noiseAloneRisesAboutOnceInAHundredTimes() {
    Random random = new Random(1);
    long rising =
        IntStream.range(0, 1000)
            .filter(i -> trend(values(j -> 10 + random.nextGaussian())).rises())
            .count();

    assertTrue(rising >= 2 && rising <= 25, rising + " of 1000");
  }

  @Test
  void oneValueIsNoTrend() {
    assertThrows(IllegalArgumentException.class, () -> Trend.of(List.of(1.0), List.of(1.0)));
  }
}
