package io.chasqui.benchmark.results;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * A run as tables: one for each group, a row for each quantity and place. First come the ratios of
 * each subject to each baseline within a round, then each subject's median, least and most. Several
 * quantities of one subject at several places are a row for each place and a column for each
 * quantity.
 */
public final class Tables {
  private record Row(Quantity quantity, Optional<Double> at) {}

  private final Results results;

  /** The tables of a run. */
  public Tables(Results results) {
    this.results = results;
  }

  /**
   * One table.
   *
   * @param head of its columns; the first is the group
   */
  record Table(List<String> head, List<List<String>> rows) {}

  /** The lines of Markdown, and below the tables what was measured on. */
  public List<String> markdown() {
    List<String> lines = new ArrayList<>();
    for (Table table : tables()) {
      lines.add(line(table.head()));
      lines.add("|" + "---|".repeat(table.head().size()));
      table.rows().forEach(row -> lines.add(line(row)));
      lines.add("");
    }
    lines.addAll(results.notes());
    if (!results.notes().isEmpty()) {
      lines.add("");
    }
    lines.add(caption());
    lines.add("");
    subjects().forEach(subject -> lines.add("- " + subject));
    return lines;
  }

  private static String line(List<String> cells) {
    return cells.stream().collect(Collectors.joining(" | ", "| ", " |"));
  }

  /** One for each group. */
  List<Table> tables() {
    return results.groups().stream().map(this::table).toList();
  }

  private Table table(String group) {
    List<Measurement> measured = results.of(group);
    List<Subject> subjects =
        results.subjects().stream()
            .filter(subject -> measured.stream().anyMatch(isOf(subject)))
            .toList();
    List<Subject[]> pairs = pairs(subjects);
    Set<Row> rows =
        measured.stream()
            .map(each -> new Row(each.quantity(), each.at()))
            .collect(Collectors.toCollection(LinkedHashSet::new));
    if (isSeries(subjects, rows)) {
      return series(group, measured, subjects.getFirst(), rows);
    }
    return new Table(
        cells(
            group,
            pairs.stream().map(pair -> pair[0].title() + " ÷ " + pair[1].title()),
            subjects.stream().map(Subject::title)),
        rows.stream()
            .map(row ->
                cells(
                    title(row),
                    pairs.stream().map(pair -> ratio(measured, row, pair)),
                    subjects.stream()
                        .map(subject -> find(measured, row, subject).map(Tables::cell).orElse(""))))
            .toList());
  }

  private static boolean isSeries(List<Subject> subjects, Set<Row> rows) {
    long quantities = rows.stream().map(Row::quantity).distinct().count();
    return subjects.size() == 1
        && quantities > 1
        && rows.size() > quantities
        && rows.stream().allMatch(row -> row.at().isPresent());
  }

  private static Table series(
      String group, List<Measurement> measured, Subject subject, Set<Row> rows) {
    List<Quantity> quantities = rows.stream().map(Row::quantity).distinct().toList();
    List<Double> places = rows.stream().map(row -> row.at().orElseThrow()).distinct().toList();
    return new Table(
        cells(group, Stream.of(), quantities.stream().map(Quantity::title)),
        places.stream()
            .map(place ->
                cells(
                    number(place),
                    Stream.of(),
                    quantities.stream()
                        .map(quantity -> new Row(quantity, Optional.of(place)))
                        .map(row -> find(measured, row, subject).map(Tables::cell).orElse(""))))
            .toList());
  }

  private static List<String> cells(String first, Stream<String> ratios, Stream<String> values) {
    return Stream.of(Stream.of(first), ratios, values).flatMap(each -> each).toList();
  }

  /** Each that is no baseline with each that is. */
  private static List<Subject[]> pairs(List<Subject> subjects) {
    return subjects.stream()
        .filter(Predicate.not(Subject::baseline))
        .flatMap(subject ->
            subjects.stream()
                .filter(Subject::baseline)
                .map(baseline -> new Subject[] {subject, baseline}))
        .toList();
  }

  private static Predicate<Measurement> isOf(Subject subject) {
    return each -> each.subject().equals(subject.id());
  }

  private static Optional<Measurement> find(List<Measurement> measured, Row row, Subject subject) {
    return measured.stream()
        .filter(isOf(subject))
        .filter(each -> each.quantity().equals(row.quantity()) && each.at().equals(row.at()))
        .findAny();
  }

  private static String title(Row row) {
    return row.at().map(at -> number(at) + ": ").orElse("") + row.quantity().title();
  }

  /** The head of its row. */
  static String title(Measurement of) {
    return title(new Row(of.quantity(), of.at()));
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.2f", value);
  }

  private static String ratio(List<Measurement> measured, Row row, Subject... pair) {
    Optional<Measurement> dividend = find(measured, row, pair[0]);
    Optional<Measurement> divisor = find(measured, row, pair[1]);
    if (dividend.isEmpty() || divisor.isEmpty()) {
      return "";
    }
    List<Double> dividends = dividend.get().values();
    List<Double> divisors = divisor.get().values();
    List<Double> ratios =
        IntStream.range(0, Math.min(dividends.size(), divisors.size()))
            .filter(i -> divisors.get(i) != 0)
            .mapToObj(i -> dividends.get(i) / divisors.get(i))
            .toList();
    return ratios.isEmpty()
        ? ""
        : "×"
            + spread(
                new Measurement(
                    dividend.get().group(),
                    dividend.get().quantity(),
                    "",
                    Optional.empty(),
                    ratios),
                2);
  }

  static String cell(Measurement measurement) {
    return spread(measurement, measurement.quantity().decimals());
  }

  /** The median, and of several values the least and the most: {@code 5.0 (4.5–7.0)}. */
  private static String spread(Measurement of, int decimals) {
    String format = "%." + decimals + "f";
    String median = String.format(Locale.ROOT, format, of.median());
    return of.values().size() == 1
        ? median
        : "%s (%s–%s)"
            .formatted(
                median,
                String.format(Locale.ROOT, format, of.least()),
                String.format(Locale.ROOT, format, of.most()));
  }

  /** What was measured on. */
  String caption() {
    Environment on = results.environment();
    return "CPU: %s, %d processors; %s of memory, read at %s/s; %s; build: %s; JVM: %s; seed %d"
        .formatted(
            on.cpu(),
            on.processors(),
            gigabytes(on.memory()),
            gigabytes(on.memoryBandwidth()),
            on.os(),
            on.commit(),
            on.jvm(),
            results.seed());
  }

  /** What each subject was; those that were the same together. */
  List<String> subjects() {
    return results.subjects().stream()
        .collect(
            Collectors.groupingBy(
                Tables::description,
                LinkedHashMap::new,
                Collectors.mapping(Subject::title, Collectors.joining(", "))))
        .entrySet()
        .stream()
        .map(each -> each.getValue() + ": " + each.getKey())
        .toList();
  }

  private static String gigabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f GB", bytes / 1e9);
  }

  private static String description(Subject subject) {
    return Stream.of(
            subject.runtime(),
            subject.kernels().isEmpty() ? "" : "kernels " + subject.kernels(),
            subject.threads() == 0 ? "" : subject.threads() + " threads",
            subject.model(),
            subject.quantization(),
            subject.kvType().isEmpty() ? "" : "KV " + subject.kvType(),
            subject.modelDigest().isEmpty() ? "" : "weights' SHA-256 " + subject.modelDigest())
        .filter(Predicate.not(String::isEmpty))
        .collect(Collectors.joining(", "));
  }

  /** All values of runs as comma-separated lines, of which the first names the columns. */
  public static List<String> csv(List<KeptRun> runs) {
    List<String> lines = new ArrayList<>();
    lines.add("run,group,quantity,unit,subject,at,repetition,value");
    for (KeptRun run : runs) {
      run.results().measurements().forEach(each -> lines.addAll(csv(run.name(), each)));
    }
    return lines;
  }

  private static List<String> csv(String run, Measurement of) {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < of.values().size(); i++) {
      lines.add(
          Stream.of(
                  run,
                  of.group(),
                  of.quantity().name(),
                  of.quantity().unit(),
                  of.subject(),
                  of.at().map(String::valueOf).orElse(""),
                  String.valueOf(i + 1),
                  of.values().get(i).toString())
              .map(Tables::quoted)
              .collect(Collectors.joining(",")));
    }
    return lines;
  }

  private static String quoted(String text) {
    return text.matches("[A-Za-z0-9_.+-]*") ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}
