package io.chasqui.benchmark.results;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.knowm.xchart.HorizontalBarChart;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Runs as one page of HTML: of each its tables, ratios first, and its charts. */
public final class Report {
  private final List<KeptRun> runs;

  /** The report of runs, in their order. */
  public Report(List<KeptRun> runs) {
    this.runs = List.copyOf(runs);
  }

  /**
   * The page.
   *
   * @throws IOException if a chart cannot be drawn
   */
  public String html() throws IOException {
    var body = new StringBuilder();
    body.append("<p>");
    body.append(
        runs.stream()
            .map(KeptRun::name)
            .distinct()
            .map(name -> "<a href=\"#%1$s\">%1$s</a>".formatted(Drawing.escaped(name)))
            .collect(Collectors.joining(" · ")));
    body.append("</p>\n");
    for (KeptRun run : runs) {
      body.append("<h2 id=\"%1$s\">%1$s</h2>\n".formatted(Drawing.escaped(run.name())));
      section(run.results(), body);
    }
    return Drawing.page("How Chasqui measures up", body.toString());
  }

  private static void section(Results run, StringBuilder to) throws IOException {
    for (String note : run.notes()) {
      to.append("<p>").append(Drawing.escaped(note)).append("</p>\n");
    }
    var tables = new Tables(run);
    for (Tables.Table table : tables.tables()) {
      append(table, to);
      for (Chart<?, ?> chart : charts(run, table.head().getFirst())) {
        to.append(Drawing.image(chart));
      }
    }
    String options =
        run.options().entrySet().stream()
            .map(each -> each.getKey() + " " + each.getValue())
            .collect(Collectors.joining(", "));
    to.append(
        "<p class=\"stamp\">%s; %s; asked for: %s</p>\n"
            .formatted(
                run.environment().time(),
                Drawing.escaped(tables.caption() + "; " + String.join("; ", tables.subjects())),
                Drawing.escaped(options)));
  }

  private static void append(Tables.Table table, StringBuilder to) {
    to.append("<table>\n");
    row("th", table.head(), to);
    table.rows().forEach(row -> row("td", row, to));
    to.append("</table>\n");
  }

  private static void row(String cell, List<String> texts, StringBuilder to) {
    to.append("<tr>");
    texts.forEach(text -> to.append("<%1$s>%2$s</%1$s>".formatted(cell, Drawing.escaped(text))));
    to.append("</tr>\n");
  }

  /**
   * Of each unit one, since what has no common unit has no common axis. Numbers without a unit are
   * counts and ratios, for which the table is enough.
   */
  private static List<Chart<?, ?>> charts(Results run, String group) {
    List<Chart<?, ?>> charts = new ArrayList<>();
    List<Measurement> all =
        run.of(group).stream().filter(each -> !each.quantity().unit().isEmpty()).toList();
    for (List<Measurement> same : groups(all, each -> each.quantity().unit()).values()) {
      String unit = same.getFirst().quantity().unit();
      List<Measurement> scaled = same.stream().filter(each -> each.at().isPresent()).toList();
      List<Measurement> single = same.stream().filter(each -> each.at().isEmpty()).toList();
      if (scaled.stream().map(Measurement::at).distinct().count() > 1) {
        readable(run, unit, scaled)
            .forEach((what, lines) -> charts.add(lines(run, group, what, unit, lines)));
      }
      if (single.size() > 1) {
        charts.add(bars(run, group, unit, single));
      }
    }
    return charts;
  }

  private static <K> Map<K, List<Measurement>> groups(
      List<Measurement> all, Function<Measurement, K> key) {
    return all.stream()
        .collect(Collectors.groupingBy(key, LinkedHashMap::new, Collectors.toList()));
  }

  /**
   * Charts of lines, by what is in them: all of a unit; or, where these are more lines than
   * colours, what has names that begin alike; and of these, if need be, what is of one subject.
   */
  private static Map<String, List<Measurement>> readable(
      Results run, String unit, List<Measurement> scaled) {
    Map<String, List<Measurement>> charts = new LinkedHashMap<>();
    if (isReadable(scaled)) {
      charts.put(nameOr(unit, scaled), scaled);
      return charts;
    }
    groups(scaled, each -> each.quantity().name().split("[ ,]", 2)[0])
        .forEach((word, alike) -> {
          if (isReadable(alike)) {
            charts.put(nameOr(word, alike), alike);
          } else {
            groups(alike, each -> word + ", " + run.subject(each.subject()).title())
                .forEach(charts::put);
          }
        });
    return charts;
  }

  /** The name of the one quantity that is in a chart, since a line alone has no legend. */
  private static String nameOr(String otherwise, List<Measurement> chart) {
    Set<String> names = groups(chart, each -> each.quantity().name()).keySet();
    return names.size() == 1 ? names.iterator().next() : otherwise;
  }

  private static boolean isReadable(List<Measurement> scaled) {
    return groups(scaled, Report::line).size() <= Drawing.COLORS;
  }

  /** What is the same of all points of a line. */
  private static List<String> line(Measurement of) {
    return List.of(of.subject(), of.quantity().name());
  }

  /** Medians by place, a line for each subject and quantity. */
  private static XYChart lines(
      Results run, String group, String what, String unit, List<Measurement> measurements) {
    XYChart chart = Drawing.xy(group + ": " + what, group, unit);
    boolean several = measurements.stream().map(Measurement::subject).distinct().count() > 1;
    List<String> names = new ArrayList<>();
    for (List<Measurement> line : groups(measurements, Report::line).values()) {
      Measurement first = line.getFirst();
      String subject = several ? run.subject(first.subject()).title() + ": " : "";
      String name = subject + first.quantity().name();
      names.add(name);
      Drawing.line(
              chart,
              name,
              line.stream().mapToDouble(each -> each.at().orElseThrow()).toArray(),
              line.stream().mapToDouble(Measurement::median).toArray())
          .setMarker(SeriesMarkers.CIRCLE);
    }
    Drawing.legend(chart.getStyler(), names);
    return chart;
  }

  /** Medians, a group of bars for each quantity and a bar in it for each subject. */
  private static HorizontalBarChart bars(
      Results run, String group, String unit, List<Measurement> measurements) {
    Map<String, List<Measurement>> quantities =
        groups(measurements, each -> each.quantity().name());
    Map<String, List<Double>> series = new LinkedHashMap<>();
    for (String subject : groups(measurements, Measurement::subject).keySet()) {
      series.put(
          run.subject(subject).title(),
          quantities.values().stream().map(each -> median(each, subject)).toList());
    }
    return Drawing.bars(group, unit, List.copyOf(quantities.keySet()), series);
  }

  /** 0, which draws no bar, where it was not measured. */
  private static double median(List<Measurement> quantity, String subject) {
    return quantity.stream()
        .filter(each -> each.subject().equals(subject))
        .mapToDouble(Measurement::median)
        .findAny()
        .orElse(0);
  }
}
