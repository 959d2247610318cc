package io.chasqui.benchmark;

import java.util.List;

/**
 * The times of one test's repetitions.
 *
 * @param tokens of each repetition
 * @param nanos of each repetition
 */
public record Samples(int tokens, List<Long> nanos) {
  public Samples {
    nanos = List.copyOf(nanos);
  }

  /** Tokens a second of each repetition. */
  public List<Double> tokensPerSecond() {
    return nanos.stream().map(each -> 1e9 * tokens / each).toList();
  }

  public double meanNanos() {
    return mean(nanos);
  }

  public double deviationNanos() {
    return deviation(nanos);
  }

  /** The mean of the repetitions' speeds, which is llama-bench's; not tokens by the mean time. */
  public double meanSpeed() {
    return mean(tokensPerSecond());
  }

  public double deviationSpeed() {
    return deviation(tokensPerSecond());
  }

  private static double mean(List<? extends Number> values) {
    return values.stream().mapToDouble(Number::doubleValue).average().orElseThrow();
  }

  /** The standard deviation of a sample, with n − 1 for divisor; 0 of a single value. */
  private static double deviation(List<? extends Number> values) {
    if (values.size() < 2) {
      return 0;
    }
    double mean = mean(values);
    double squares =
        values.stream().mapToDouble(value -> Math.pow(value.doubleValue() - mean, 2)).sum();
    return Math.sqrt(squares / (values.size() - 1));
  }
}
