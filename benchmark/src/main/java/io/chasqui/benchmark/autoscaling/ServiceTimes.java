package io.chasqui.benchmark.autoscaling;

import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * How long a pod's step takes by the tokens in it: one of each stream that generates, and those of
 * prompts. Between two measured numbers of tokens the time is a straight line; below the least it
 * is that of the least, because a step reads all weights whatever it computes; above the greatest
 * the last line goes on. That a longer context takes longer is not in it.
 */
public final class ServiceTimes {
  /**
   * The model of 1.24 billion parameters in Q4 on two cores: "Many streams" in {@code RESULTS.md}.
   */
  public static final ServiceTimes MEASURED =
      new ServiceTimes(Map.of(1, 16.0, 4, 22.0, 8, 33.0, 16, 54.0, 128, 250.0));

  private static final int TABLE = 1024;

  private final NavigableMap<Integer, Double> millis;
  private final double[] table = new double[TABLE];

  /**
   * @param millis milliseconds of a step by its tokens; where more tokens were measured to take
   *     less time, they are taken to cost as much
   * @throws IllegalArgumentException if there are less than two, or one is not above 0
   */
  public ServiceTimes(Map<Integer, Double> millis) {
    if (millis.size() < 2) {
      throw new IllegalArgumentException("times of at least two numbers of tokens are needed");
    }
    this.millis = new TreeMap<>();
    double longest = 0;
    for (Map.Entry<Integer, Double> point : new TreeMap<>(millis).entrySet()) {
      if (point.getKey() < 1 || !(point.getValue() > 0)) {
        throw new IllegalArgumentException(
            "a step of %d tokens cannot take %s ms".formatted(point.getKey(), point.getValue()));
      }
      longest = Math.max(longest, point.getValue());
      this.millis.put(point.getKey(), longest);
    }
    for (int tokens = 1; tokens < TABLE; tokens++) {
      table[tokens] = interpolate(tokens) / 1000;
    }
  }

  private double interpolate(int tokens) {
    if (tokens <= millis.firstKey()) {
      return millis.firstEntry().getValue();
    }
    Map.Entry<Integer, Double> right = millis.ceilingEntry(tokens);
    right = right == null ? millis.lastEntry() : right;
    Map.Entry<Integer, Double> left = millis.lowerEntry(right.getKey());
    double slope = (right.getValue() - left.getValue()) / (right.getKey() - left.getKey());
    return left.getValue() + slope * (tokens - left.getKey());
  }

  /** Seconds of a step with at least one token. */
  double step(int tokens) {
    return tokens < TABLE ? table[tokens] : interpolate(tokens) / 1000;
  }

  /** The measured times: milliseconds of a step by its tokens. */
  public Map<Integer, Double> millis() {
    return Map.copyOf(millis);
  }

  /** What was measured, in one line. */
  @Override
  public String toString() {
    return millis.entrySet().stream()
        .map(point -> "%d: %.1f".formatted(point.getKey(), point.getValue()))
        .collect(Collectors.joining(", "));
  }
}
