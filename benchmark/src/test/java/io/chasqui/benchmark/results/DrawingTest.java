package io.chasqui.benchmark.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.HorizontalBarChart;

class DrawingTest {
  /** Points of a bar, at least: it is longer than a hundred and higher than ten. */
  private static final int BAR = 1000;

  private static long pointsOfBars(Double... values) {
    List<String> names =
        IntStream.range(0, values.length).mapToObj(number -> "bar " + number).toList();
    HorizontalBarChart chart = Drawing.bars("change", "%", names, Map.of("JVM", List.of(values)));
    BufferedImage image = BitmapEncoder.getBufferedImage(chart);
    int color = Drawing.color(0).getRGB();
    return IntStream.range(0, image.getWidth())
        .mapToLong(x ->
            IntStream.range(0, image.getHeight()).filter(y -> image.getRGB(x, y) == color).count())
        .sum();
  }

  @Test
  void valuesBelowZeroHaveBars() {
    assertTrue(pointsOfBars(-20.0, -7.0) > 2 * BAR, "of two bars below zero too little is drawn");
  }

  @Test
  void zeroHasNoBar() {
    assertEquals(0, pointsOfBars(0.0, 0.0));
  }

  @Test
  void eachColourIsAnother() {
    assertEquals(
        Drawing.COLORS,
        IntStream.range(0, Drawing.COLORS).mapToObj(Drawing::color).distinct().count());
  }
}
