package io.chasqui.benchmark.results;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.List;
import java.util.Optional;

/**
 * The values of a quantity, a repetition each. Those of several subjects with the same index are of
 * the same round, which is one time and one machine.
 *
 * @param group what it was measured in: the title of a table
 * @param quantity what was measured
 * @param subject whose it is, by its id
 * @param at where on the group's scale, such as a rate or a number of streams; empty where there is
 *     none
 * @param values at least one
 */
@JsonInclude(JsonInclude.Include.NON_ABSENT)
public record Measurement(
    String group, Quantity quantity, String subject, Optional<Double> at, List<Double> values) {
  /**
   * @throws IllegalArgumentException if there is no value, or one that is no number
   */
  public Measurement {
    values = List.copyOf(values);
    if (values.isEmpty() || values.stream().anyMatch(value -> !Double.isFinite(value))) {
      throw new IllegalArgumentException(
          "%s of %s in %s has the values %s".formatted(quantity.name(), subject, group, values));
    }
  }

  /** The middle one. */
  public double median() {
    return median(values);
  }

  /** The middle one of some values; of an even number the mean of the middle two. */
  public static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  double least() {
    return values.stream().min(Double::compare).orElseThrow();
  }

  double most() {
    return values.stream().max(Double::compare).orElseThrow();
  }
}
