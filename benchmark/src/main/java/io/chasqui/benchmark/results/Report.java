package io.chasqui.benchmark.results;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.knowm.xchart.CategoryChart;
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

  /** Of each unit one: what has no common unit has no common axis. */
  private static List<Chart<?, ?>> charts(Results run, String group) {
    List<Chart<?, ?>> charts = new ArrayList<>();
    List<Measurement> all = run.of(group);
    for (String unit : distinct(all.stream().map(each -> each.quantity().unit()).toList())) {
      List<Measurement> same = filter(all, each -> each.quantity().unit().equals(unit));
      List<Measurement> scaled = filter(same, each -> each.at().isPresent());
      List<Measurement> single = filter(same, each -> each.at().isEmpty());
      if (scaled.stream().map(Measurement::at).distinct().count() > 1) {
        charts.add(lines(run, group, unit, scaled));
      }
      if (single.size() > 1) {
        charts.add(bars(run, group, unit, single));
      }
    }
    return charts;
  }

  private static List<Measurement> filter(List<Measurement> all, Predicate<Measurement> wanted) {
    return all.stream().filter(wanted).toList();
  }

  private static Set<String> distinct(List<String> names) {
    return new LinkedHashSet<>(names);
  }

  /** Medians by place, a line for each subject and quantity. */
  private static XYChart lines(
      Results run, String group, String unit, List<Measurement> measurements) {
    XYChart chart = Drawing.xy(group, group, unit);
    boolean several = measurements.stream().map(Measurement::subject).distinct().count() > 1;
    for (String name :
        distinct(measurements.stream().map(each -> series(run, each, several)).toList())) {
      List<Measurement> line =
          filter(measurements, each -> series(run, each, several).equals(name));
      Drawing.line(
              chart,
              name,
              line.stream().mapToDouble(each -> each.at().orElseThrow()).toArray(),
              line.stream().mapToDouble(Measurement::median).toArray())
          .setMarker(SeriesMarkers.CIRCLE);
    }
    return chart;
  }

  private static String series(Results run, Measurement of, boolean severalSubjects) {
    String subject = severalSubjects ? run.subject(of.subject()).title() + ": " : "";
    return subject + of.quantity().name();
  }

  /** Medians, a group of bars for each quantity and a bar in it for each subject. */
  private static CategoryChart bars(
      Results run, String group, String unit, List<Measurement> measurements) {
    CategoryChart chart = Drawing.bars(group, "", unit);
    Set<String> quantities =
        distinct(measurements.stream().map(each -> each.quantity().name()).toList());
    for (String id : distinct(measurements.stream().map(Measurement::subject).toList())) {
      List<Measurement> ofSubject = filter(measurements, each -> each.subject().equals(id));
      chart.addSeries(
          run.subject(id).title(),
          List.copyOf(quantities),
          quantities.stream().map(name -> median(ofSubject, name)).toList());
    }
    return chart;
  }

  /** 0, which draws no bar, where it was not measured. */
  private static double median(List<Measurement> measurements, String quantity) {
    return measurements.stream()
        .filter(each -> each.quantity().name().equals(quantity))
        .mapToDouble(Measurement::median)
        .findAny()
        .orElse(0);
  }
}
