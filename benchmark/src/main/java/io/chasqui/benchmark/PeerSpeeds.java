package io.chasqui.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** What some engines have measured in some tests, in rounds in which each had its turn. */
final class PeerSpeeds {
  private final List<String> engines;

  /** Tokens a second: test, then engine, then round. */
  private final Map<String, Map<String, List<Double>>> speeds = new LinkedHashMap<>();

  /**
   * @param engines the first is the one that the others are compared with
   */
  PeerSpeeds(List<String> engines) {
    this.engines = engines;
  }

  /** Adds the result of an engine's next round. */
  void add(String test, String engine, double tokensPerSecond) {
    speeds
        .computeIfAbsent(test, any -> new LinkedHashMap<>())
        .computeIfAbsent(engine, any -> new ArrayList<>())
        .add(tokensPerSecond);
  }

  /**
   * A row a test: the median speed of each engine, and of the first one's speed divided by each
   * other's in the same round the median, the least and the most.
   */
  List<String> table() {
    List<String> lines = new ArrayList<>();
    List<String> others = engines.subList(1, engines.size());
    lines.add(
        row(
            "tokens/s",
            engines,
            others.stream().map(other -> engines.getFirst() + " ÷ " + other).toList()));
    lines.add("|" + "---|".repeat(engines.size() + others.size() + 1));
    speeds.forEach((test, byEngine) ->
        lines.add(
            row(
                test,
                engines.stream()
                    .map(engine -> format("%.1f", median(byEngine.get(engine))))
                    .toList(),
                others.stream()
                    .map(other -> ratio(byEngine.get(engines.getFirst()), byEngine.get(other)))
                    .toList())));
    return lines;
  }

  private static String row(String first, List<String> middle, List<String> last) {
    return "| %s | %s |"
        .formatted(
            first,
            List.of(middle, last).stream()
                .flatMap(List::stream)
                .collect(Collectors.joining(" | ")));
  }

  private static String ratio(List<Double> ours, List<Double> theirs) {
    List<Double> ratios =
        IntStream.range(0, ours.size()).mapToObj(i -> ours.get(i) / theirs.get(i)).toList();
    return format(
        "×%.2f (%.2f–%.2f)",
        median(ratios),
        ratios.stream().min(Double::compare).orElseThrow(),
        ratios.stream().max(Double::compare).orElseThrow());
  }

  static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  private static String format(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
