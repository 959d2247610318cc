package io.chasqui.benchmark;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What some engines have measured in some tests, in rounds in which each had its turn: two engines
 * are compared within a round, which is one time and one machine.
 */
final class Rounds {
  /** The numbers: test, then engine, then round. */
  private final Map<String, Map<String, List<Double>>> numbers = new LinkedHashMap<>();

  /** Adds the result of an engine's next round. */
  void add(String test, String engine, double number) {
    numbers
        .computeIfAbsent(test, any -> new LinkedHashMap<>())
        .computeIfAbsent(engine, any -> new ArrayList<>())
        .add(number);
  }

  /** In the order in which they came. */
  Set<String> tests() {
    return numbers.keySet();
  }

  /** An engine's numbers, a round each. */
  List<Double> of(String test, String engine) {
    return List.copyOf(numbers.get(test).get(engine));
  }

  /** An engine's number divided by another's, round by round. */
  List<Double> ratios(String test, String engine, String other) {
    List<Double> dividends = of(test, engine);
    List<Double> divisors = of(test, other);
    return IntStream.range(0, dividends.size())
        .mapToObj(i -> dividends.get(i) / divisors.get(i))
        .toList();
  }

  static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  static double least(List<Double> values) {
    return values.stream().min(Double::compare).orElseThrow();
  }

  static double most(List<Double> values) {
    return values.stream().max(Double::compare).orElseThrow();
  }

  /**
   * The median, the least and the most: {@code 5.0 (4.5–7.0)}.
   *
   * @param format of each of the three
   */
  static String spread(String format, List<Double> values) {
    return String.format(
        Locale.ROOT,
        "%1$s (%1$s–%1$s)".formatted(format),
        median(values),
        least(values),
        most(values));
  }

  /** The line of a Markdown table: a name, numbers of each, ratios of some. */
  static String row(String name, Stream<String> numbers, Stream<String> ratios) {
    return Stream.of(Stream.of(name), numbers, ratios)
        .flatMap(cells -> cells)
        .collect(Collectors.joining(" | ", "| ", " |"));
  }

  /** The line below a Markdown table's head. */
  static String rule(int columns) {
    return "|" + "---|".repeat(columns);
  }
}
