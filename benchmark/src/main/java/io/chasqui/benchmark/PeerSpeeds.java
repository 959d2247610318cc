package io.chasqui.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The speeds of some engines in some tests, and how the first compares with the others. */
final class PeerSpeeds {
  private final List<String> engines;
  private final Rounds tokensPerSecond = new Rounds();

  /**
   * @param engines the first is the one that the others are compared with
   */
  PeerSpeeds(List<String> engines) {
    this.engines = engines;
  }

  /** Adds the result of an engine's next round. */
  void add(String test, String engine, double speed) {
    tokensPerSecond.add(test, engine, speed);
  }

  /**
   * A row a test: the median speed of each engine, and of the first one's speed divided by each
   * other's in the same round the median, the least and the most.
   */
  List<String> table() {
    String first = engines.getFirst();
    List<String> others = engines.subList(1, engines.size());
    List<String> lines = new ArrayList<>();
    lines.add(
        Rounds.row(
            "tokens/s", engines.stream(), others.stream().map(other -> first + " ÷ " + other)));
    lines.add(Rounds.rule(engines.size() + others.size() + 1));
    for (String test : tokensPerSecond.tests()) {
      lines.add(
          Rounds.row(
              test,
              engines.stream()
                  .map(engine -> Rounds.median(tokensPerSecond.of(test, engine)))
                  .map(median -> String.format(Locale.ROOT, "%.1f", median)),
              others.stream()
                  .map(other -> tokensPerSecond.ratios(test, first, other))
                  .map(ratios -> "×" + Rounds.spread("%.2f", ratios))));
    }
    return lines;
  }
}
