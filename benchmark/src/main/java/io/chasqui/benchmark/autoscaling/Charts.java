package io.chasqui.benchmark.autoscaling;

import io.chasqui.benchmark.autoscaling.Study.Run;
import io.chasqui.benchmark.autoscaling.Timeline.Series;
import java.awt.BasicStroke;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
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

/** The charts of a study: one HTML page that needs nothing else. */
public final class Charts {
  private static final int WIDTH = 900;
  private static final int HEIGHT = 340;
  private static final int MINUTE = 60;
  private static final double HOUR = 3600;
  private static final float LINE = 1.5f;
  private static final BasicStroke DASHES =
      new BasicStroke(LINE, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {4, 4}, 0);
  private static final Pattern DIGITS = Pattern.compile("(\\.[0-9]{2})[0-9]+");

  /** Colours of Okabe and Ito, which people with any colour vision can tell apart. */
  private static final Color[] COLORS = {
    new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73), new Color(0xCC79A7)
  };

  private final Study study;

  /** The charts of a study. */
  public Charts(Study study) {
    this.study = study;
  }

  /**
   * The page.
   *
   * @throws IOException if a chart cannot be drawn
   */
  public String html() throws IOException {
    var page =
        new StringBuilder(
            """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <title>Autoscaling, simulated</title>
            <style>
            body { font-family: sans-serif; max-width: 920px; margin: 2em auto; }
            img { max-width: 100%; margin-bottom: 1.5em; }
            </style>
            </head>
            <body>
            <h1>Autoscaling, simulated</h1>
            """);
    page.append(
        String.format(
            Locale.ROOT,
            "<p>Milliseconds of a step by its tokens: %s. %d slots a pod. Prompts of %d and answers of"
                + " %d tokens in the mean. Seed %d.</p>%n",
            study.options().times(),
            study.options().slots(),
            study.options().lengths().prompt(),
            study.options().lengths().answer(),
            study.options().seed()));
    for (Chart<?, ?> chart : all()) {
      page.append(image(chart));
    }
    return page.append("</body>\n</html>\n").toString();
  }

  /** As an image of its own, because two charts have elements of the same id. */
  private static String image(Chart<?, ?> chart) throws IOException {
    var bytes = new ByteArrayOutputStream();
    VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
    // Letters are outlines with coordinates of many digits, most of the page's size.
    String svg = DIGITS.matcher(bytes.toString(StandardCharsets.UTF_8)).replaceAll("$1");
    return "<img alt=\"%s\" src=\"data:image/svg+xml;base64,%s\">%n"
        .formatted(
            chart.getTitle(),
            Base64.getEncoder().encodeToString(svg.getBytes(StandardCharsets.UTF_8)));
  }

  private List<Chart<?, ?>> all() {
    List<Chart<?, ?>> charts = new ArrayList<>();
    charts.add(
        concurrencies(
            "Answers within the limits in a day", "%", run -> 100 * run.outcome().goodShare()));
    charts.add(concurrencies("What they cost", "pod-hours", run -> run.outcome().podHours()));
    charts.add(rates());

    List<Run> day = sameTraffic(study.days(), study.days().getFirst());
    charts.add(
        timeline(
            "Requests in a day, means of ten minutes",
            "requests/s",
            day.subList(0, 1),
            Series.ARRIVALS,
            0,
            (int) (24 * HOUR),
            10 * MINUTE));
    charts.add(
        timeline(
            "Pods in a day, means of ten minutes",
            "pods",
            day.stream().filter(run -> run.scaling().minScale() == 0).toList(),
            Series.PODS,
            0,
            (int) (24 * HOUR),
            10 * MINUTE));
    charts.add(waits("Time to first token in that day", day));
    charts.add(
        waits(
            "Time to first token in a day with few requests",
            sameTraffic(study.days(), study.days().getLast())));

    int begin = (int) HOUR + 8 * MINUTE;
    int end = begin + 6 * MINUTE;
    charts.add(
        timeline(
            "A burst: requests in queues or running",
            "requests",
            study.bursts(),
            Series.REQUESTS,
            begin,
            end,
            1));
    charts.add(
        timeline("The pods that are ready", "pods", study.bursts(), Series.READY, begin, end, 1));
    return charts;
  }

  private static List<Run> sameTraffic(List<Run> runs, Run as) {
    return runs.stream().filter(run -> run.setup().traffic().equals(as.setup().traffic())).toList();
  }

  private CategoryChart concurrencies(String title, String unit, ToDoubleFunction<Run> value) {
    CategoryChart chart =
        new CategoryChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(title)
            .xAxisTitle("containerConcurrency")
            .yAxisTitle(unit)
            .build();
    style(chart.getStyler());
    List<Run> runs = study.concurrencies();
    runs.stream()
        .map(run -> run.scaling().utilization())
        .distinct()
        .forEach(utilization -> {
          List<Run> bars =
              runs.stream().filter(run -> run.scaling().utilization() == utilization).toList();
          chart.addSeries(
              utilization + " % utilization",
              bars.stream()
                  .map(run -> String.valueOf(run.scaling().containerConcurrency()))
                  .toList(),
              bars.stream().map(value::applyAsDouble).toList());
        });
    return chart;
  }

  private XYChart rates() {
    XYChart chart = xy("Pods by requests a second", "requests/s", "pods");
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setYAxisMin(null);
    List<Run> runs = study.rates();
    double[] rates = values(runs, run -> run.setup().traffic().mostRate());
    line(chart, "mean", rates, values(runs, run -> run.outcome().meanPods()))
        .setMarker(SeriesMarkers.CIRCLE);
    line(
            chart,
            "if every step were full",
            rates,
            values(runs, run -> study.leastPods(run.scaling(), run.setup().traffic().mostRate())))
        .setMarker(SeriesMarkers.DIAMOND);
    return chart;
  }

  private static double[] values(List<Run> runs, ToDoubleFunction<Run> value) {
    return runs.stream().mapToDouble(value).toArray();
  }

  private XYChart timeline(
      String title, String unit, List<Run> runs, Series series, int begin, int end, int width) {
    boolean isDay = end - begin > HOUR;
    XYChart chart = xy(title, isDay ? "hour" : "seconds", unit);
    chart.getStyler().setXAxisDecimalPattern("0");
    // From 0 on, and so at unequal distances: otherwise marks of the axis are only at points.
    double[] times =
        IntStream.rangeClosed(0, (end - begin) / width)
            .mapToDouble(point -> Math.max(0, point - 0.5) * width / (isDay ? HOUR : 1))
            .toArray();
    for (Run run : runs) {
      double[] means = run.outcome().timeline().means(series, begin, end, width);
      double[] values = new double[times.length];
      System.arraycopy(means, 0, values, 1, means.length);
      values[0] = means[0];
      XYSeries line =
          line(chart, series == Series.ARRIVALS ? "requests" : name(run), times, values);
      color(line, run);
    }
    return chart;
  }

  private void color(XYSeries line, Run run) {
    int coldStart = study.options().coldStarts().indexOf(run.setup().coldStart());
    line.setLineColor(COLORS[coldStart % COLORS.length]);
    if (run.scaling().minScale() > 0) {
      line.setLineStyle(DASHES);
    }
  }

  /** How many answers wait longer than a time, for times from 10 ms on. */
  private XYChart waits(String title, List<Run> runs) {
    XYChart chart = xy(title, "seconds", "% that take longer");
    chart.getStyler().setXAxisLogarithmic(true);
    double[] times =
        IntStream.rangeClosed(0, 150).mapToDouble(i -> Math.pow(10, i / 50.0 - 2)).toArray();
    for (Run run : runs) {
      double[] shares = new double[times.length];
      for (int i = 0; i < times.length; i++) {
        shares[i] = 100 * run.outcome().firstToken().shareAbove(times[i]);
      }
      color(line(chart, name(run), times, shares), run);
    }
    return chart;
  }

  private static String name(Run run) {
    return String.format(
        Locale.ROOT,
        "cold start %.1f s, min-scale %d",
        run.setup().coldStart(),
        run.scaling().minScale());
  }

  private static XYChart xy(String title, String x, String y) {
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

  private static XYSeries line(XYChart chart, String name, double[] x, double[] y) {
    XYSeries line = chart.addSeries(name, x, y);
    line.setMarker(SeriesMarkers.NONE);
    line.setLineStyle(new BasicStroke(LINE));
    return line;
  }
}
