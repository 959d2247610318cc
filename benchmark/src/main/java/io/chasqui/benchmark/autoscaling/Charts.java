package io.chasqui.benchmark.autoscaling;

import io.chasqui.benchmark.autoscaling.Study.Run;
import io.chasqui.benchmark.autoscaling.Timeline.Series;
import io.chasqui.benchmark.results.Drawing;
import java.awt.BasicStroke;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The charts of a study: one HTML page that needs nothing else. */
public final class Charts {
  private static final int MINUTE = 60;
  private static final double HOUR = 3600;
  private static final BasicStroke DASHES =
      new BasicStroke(
          Drawing.LINE, BasicStroke.CAP_BUTT, BasicStroke.JOIN_ROUND, 1, new float[] {4, 4}, 0);

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
    var body =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "<p>Milliseconds of a step by its tokens: %s. %d slots a pod. Prompts of %d and answers"
                    + " of %d tokens in the mean. Seed %d.</p>%n",
                study.options().times(),
                study.options().slots(),
                study.options().lengths().prompt(),
                study.options().lengths().answer(),
                study.options().seed()));
    for (Chart<?, ?> chart : all()) {
      body.append(Drawing.image(chart));
    }
    return Drawing.page("Autoscaling, simulated", body.toString());
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

  private HorizontalBarChart concurrencies(String title, String unit, ToDoubleFunction<Run> value) {
    List<Run> runs = study.concurrencies();
    Map<String, List<Double>> series = new LinkedHashMap<>();
    for (Run run : runs) {
      series
          .computeIfAbsent(
              run.scaling().utilization() + " % utilization", name -> new ArrayList<>())
          .add(value.applyAsDouble(run));
    }
    List<String> concurrencies =
        runs.stream()
            .map(run -> "containerConcurrency " + run.scaling().containerConcurrency())
            .distinct()
            .toList();
    return Drawing.bars(title, unit, concurrencies, series);
  }

  private XYChart rates() {
    XYChart chart = Drawing.xy("Pods by requests a second", "requests/s", "pods");
    chart.getStyler().setXAxisLogarithmic(true);
    chart.getStyler().setYAxisLogarithmic(true);
    chart.getStyler().setYAxisMin(null);
    List<Run> runs = study.rates();
    double[] rates = values(runs, run -> run.setup().traffic().mostRate());
    Drawing.line(chart, "mean", rates, values(runs, run -> run.outcome().meanPods()))
        .setMarker(SeriesMarkers.CIRCLE);
    Drawing.line(
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
    XYChart chart = Drawing.xy(title, isDay ? "hour" : "seconds", unit);
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
          Drawing.line(chart, series == Series.ARRIVALS ? "requests" : name(run), times, values);
      color(line, run);
    }
    return chart;
  }

  private void color(XYSeries line, Run run) {
    int coldStart = study.options().coldStarts().indexOf(run.setup().coldStart());
    line.setLineColor(Drawing.color(coldStart));
    if (run.scaling().minScale() > 0) {
      line.setLineStyle(DASHES);
    }
  }

  /** How many answers wait longer than a time, for times from 10 ms on. */
  private XYChart waits(String title, List<Run> runs) {
    XYChart chart = Drawing.xy(title, "seconds", "% that take longer");
    chart.getStyler().setXAxisLogarithmic(true);
    double[] times =
        IntStream.rangeClosed(0, 150).mapToDouble(i -> Math.pow(10, i / 50.0 - 2)).toArray();
    for (Run run : runs) {
      double[] shares = new double[times.length];
      for (int i = 0; i < times.length; i++) {
        shares[i] = 100 * run.outcome().firstToken().shareAbove(times[i]);
      }
      color(Drawing.line(chart, name(run), times, shares), run);
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
}
