package io.chasqui.benchmark.results;

import java.awt.BasicStroke;
import java.awt.Color;
import java.io.IOException;
import java.util.Base64;
import java.util.Collection;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.BitmapEncoder.BitmapFormat;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.HorizontalBarChartBuilder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Charts in one style, and pages of HTML that need nothing else. */
public final class Drawing {
  /** Of a line, in points. */
  public static final float LINE = 1.5f;

  private static final int WIDTH = 900;
  private static final int HEIGHT = 340;

  /** What a chart of bars has besides them, and each bar, in points. */
  private static final int BARS_FRAME = 130;

  private static final int BAR = 16;

  /** The least from one name to the next, in points: of fewer the library leaves out some. */
  private static final int NAME = 40;

  /** Of an axis; the library's own leaves out the zero of 0.01. */
  private static final String NUMBERS = "#,##0.######";

  /** Letters of a legend's names that fit beside each other. */
  private static final int LEGEND = 80;

  /**
   * Colours of Okabe and Ito, which people with any colour vision can tell apart, with grey for
   * their yellow, which is pale on white.
   */
  private static final Color[] PALETTE = {
    new Color(0x0072B2),
    new Color(0xD55E00),
    new Color(0x009E73),
    new Color(0xCC79A7),
    new Color(0xE69F00),
    new Color(0x56B4E9),
    Color.BLACK,
    new Color(0x999999)
  };

  /** Series of a chart that have each a colour of its own. */
  static final int COLORS = PALETTE.length;

  private Drawing() {}

  /** The colour of a series by its place; they come again after the last. */
  public static Color color(int series) {
    return PALETTE[series % PALETTE.length];
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

  /**
   * A chart of bars that lie, one below the other, so that there is room for their names.
   *
   * @param names of the groups of bars, from the top
   * @param series by name, a value for each group
   */
  public static HorizontalBarChart bars(
      String title, String x, List<String> names, Map<String, List<Double>> series) {
    HorizontalBarChart chart =
        new HorizontalBarChartBuilder()
            .width(WIDTH)
            .height(BARS_FRAME + names.size() * Math.max(NAME, BAR * (series.size() + 1)))
            .title(title)
            .xAxisTitle(x)
            .build();
    style(chart.getStyler());
    DoubleSummaryStatistics extremes =
        series.values().stream()
            .flatMap(List::stream)
            .mapToDouble(value -> value)
            .summaryStatistics();
    chart.getStyler().setXAxisMin(Math.min(0, extremes.getMin()));
    chart.getStyler().setXAxisMax(Math.max(0, extremes.getMax()));
    // This axis's hint is taken for the names too; the frame takes a tenth of their room.
    chart.getStyler().setXAxisTickMarkSpacingHint(NAME * 9 / 10);
    legend(chart.getStyler(), series.keySet());
    series.forEach((name, values) -> chart.addSeries(name, values, names));
    return chart;
  }

  private static void style(AxesChartStyler styler) {
    styler.setLocale(Locale.ROOT);
    styler.setDecimalPattern(NUMBERS);
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(new Color(0xE0E0E0));
    styler.setLegendPosition(LegendPosition.OutsideS);
    styler.setLegendLayout(LegendLayout.Horizontal);
    styler.setAxisTickLabelsFont(styler.getLegendFont());
    styler.setLegendBorderColor(Color.WHITE);
    styler.setYAxisMin(0.0);
    styler.setSeriesColors(PALETTE);
  }

  /** Puts the names of series where they have room: none for one alone, whose chart tells. */
  static void legend(AxesChartStyler styler, Collection<String> names) {
    styler.setLegendVisible(names.size() > 1);
    if (names.stream().mapToInt(String::length).sum() > LEGEND) {
      styler.setLegendLayout(LegendLayout.Vertical);
      styler.setLegendPosition(LegendPosition.OutsideE);
    }
  }

  /** Adds a line without marks. */
  public static XYSeries line(XYChart chart, String name, double[] x, double[] y) {
    XYSeries line = chart.addSeries(name, x, y);
    line.setMarker(SeriesMarkers.NONE);
    line.setLineStyle(new BasicStroke(LINE));
    return line;
  }

  /**
   * A chart as an element of HTML that has the image in it.
   *
   * @throws IOException if it cannot be drawn
   */
  public static String image(Chart<?, ?> chart) throws IOException {
    // Vectors would be five times as large: the library draws the outline of each letter.
    byte[] png = BitmapEncoder.getBitmapBytes(chart, BitmapFormat.PNG);
    return "<img alt=\"%s\" src=\"data:image/png;base64,%s\">\n"
        .formatted(escaped(chart.getTitle()), Base64.getEncoder().encodeToString(png));
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
