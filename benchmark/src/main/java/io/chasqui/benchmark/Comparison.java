package io.chasqui.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How engines compare with peers in the tests that all of them have run: of each the median, the
 * least and the most of its rounds, and the same of an engine's number divided by a peer's in the
 * same round.
 *
 * @param rounds of the engines' names
 * @param engines that are compared with the peers
 * @param peers may be none
 */
record Comparison(Rounds rounds, List<Engine> engines, List<Engine> peers) {
  /**
   * What measures.
   *
   * @param title at the head of a column
   */
  record Engine(String name, String title) {}

  /**
   * A line of a table.
   *
   * @param format of a number
   */
  record Row(String title, String test, String format) {}

  private record Ratio(Engine engine, Engine peer) {
    String title() {
      return engine.title() + " ÷ " + peer.title();
    }
  }

  /** All of them, as they stand in a table. */
  List<Engine> columns() {
    List<Engine> columns = new ArrayList<>(engines);
    columns.addAll(peers);
    return columns;
  }

  private List<Ratio> ratios() {
    return peers.stream()
        .flatMap(peer -> engines.stream().map(engine -> new Ratio(engine, peer)))
        .toList();
  }

  /** A Markdown table with a column for each engine, each peer and each ratio. */
  List<String> table(String title, List<Row> rows) {
    List<Engine> columns = columns();
    List<Ratio> ratios = ratios();
    List<String> lines = new ArrayList<>();
    lines.add(
        Rounds.row(title, columns.stream().map(Engine::title), ratios.stream().map(Ratio::title)));
    lines.add(Rounds.rule(1 + columns.size() + ratios.size()));
    for (Row row : rows) {
      lines.add(
          Rounds.row(
              row.title(),
              columns.stream()
                  .map(engine -> Rounds.spread(row.format(), rounds.of(row.test(), engine.name()))),
              ratios.stream()
                  .map(ratio -> "×" + Rounds.spread("%.2f", ratios(row.test(), ratio)))));
    }
    return lines;
  }

  private List<Double> ratios(String test, Ratio ratio) {
    return rounds.ratios(test, ratio.engine().name(), ratio.peer().name());
  }

  /** What a test came to, to be written as JSON: every round, and its ratio to each peer. */
  Map<String, Object> fields(String test, Engine engine) {
    Map<String, Object> fields = summary(rounds.of(test, engine.name()));
    for (Engine peer : peers) {
      fields.put(
          "ratio_to_" + peer.name().replace('-', '_'),
          summary(ratios(test, new Ratio(engine, peer))));
    }
    return fields;
  }

  private static Map<String, Object> summary(List<Double> numbers) {
    var summary = new LinkedHashMap<String, Object>();
    summary.put("median", Rounds.median(numbers));
    summary.put("least", Rounds.least(numbers));
    summary.put("most", Rounds.most(numbers));
    summary.put("rounds", numbers);
    return summary;
  }
}
