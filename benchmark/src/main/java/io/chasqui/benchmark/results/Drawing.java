package io.chasqui.benchmark.results;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import java.util.regex.Pattern;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Charts in one style, and pages of HTML that need nothing else. */
public final class Drawing {
  /** Of a line, in points. */
  public static final float LINE = 1.5f;

  private static final int WIDTH = 900;
  private static final int HEIGHT = 340;
  private static final Pattern DIGITS = Pattern.compile("(\\.[0-9]{2})[0-9]+");

  /** Colours of Okabe and Ito, which people with any colour vision can tell apart. */
  private static final Color[] COLORS = {
    new Color(0x0072B2),
    new Color(0xD55E00),
    new Color(0x009E73),
    new Color(0xCC79A7),
    new Color(0xE69F00),
    new Color(0x56B4E9)
  };

  private Drawing() {}

  /** The colour of a series by its place; they come again after six. */
  public static Color color(int series) {
    return COLORS[series % COLORS.length];
  }

  /** A chart of lines. */
  public static XYChart xy(String title, String x, String y) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .build();
    style(chart.getStyler());
    return chart;
  }

  /** A chart of bars. */
  public static CategoryChart bars(String title, String x, String y) {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle(x)
            .yAxisTitle(y)
            .build();
    style(chart.getStyler());
    return chart;
  }

  private static void style(AxesChartStyler styler) {
    styler.setLocale(Locale.ROOT);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(new Color(0xE0E0E0));
    styler.setLegendPosition(LegendPosition.OutsideS);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setYAxisMin(0.0);
    styler.setSeriesColors(COLORS);
  }

  /** Adds a line without marks. */
  public static XYSeries line(XYChart chart, String name, double[] x, double[] y) {
    XYSeries line = chart.addSeries(name, x, y);
    line.setMarker(SeriesMarkers.NONE);
    line.setLineStyle(new BasicStroke(LINE));
    return line;
  }

  /**
   * A chart as an element of HTML: an image of its own, because two charts have elements of the
   * same id.
   *
   * @throws IOException if it cannot be drawn
   */
  public static String image(Chart<?, ?> chart) throws IOException {
    var bytes = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
    // Letters are outlines with coordinates of many digits, most of the page's size.
    String svg = DIGITS.matcher(bytes.toString(StandardCharsets.UTF_8)).replaceAll("$1");
    return "<img alt=\"%s\" src=\"data:image/svg+xml;base64,%s\">\n"
        .formatted(
            escaped(chart.getTitle()),
            Base64.getEncoder().encodeToString(svg.getBytes(StandardCharsets.UTF_8)));
  }

  /** A text in HTML. */
  public static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }

  /**
   * A page.
   *
   * @param body in HTML, below the title
   */
  public static String page(String title, String body) {
    return """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <title>%1$s</title>
    <style>
    body { font-family: sans-serif; max-width: 920px; margin: 2em auto; padding: 0 1em; }
    img { max-width: 100%%; margin-bottom: 1.5em; }
    table { border-collapse: collapse; font-size: 85%%; margin-bottom: 1.5em; }
    th, td { border-bottom: 1px solid #ddd; padding: 0.25em 0.6em; text-align: right; }
    th:first-child, td:first-child { text-align: left; }
    p { line-height: 1.4; }
    .stamp { color: #555; font-size: 85%%; overflow-wrap: anywhere; }
    </style>
    </head>
    <body>
    <h1>%1$s</h1>
    %2$s</body>
    </html>
    """
        .formatted(escaped(title), body);
  }
}
