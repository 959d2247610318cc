package io.chasqui.benchmark.energy;

import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import java.util.OptionalDouble;

/** What work has cost, as results. */
final class EnergyResults {
  static final String PREFILL = "prefill, of streams at once";
  static final String DECODE = "decode, of streams at once";
  static final String REST = "at rest";

  private static final double MILLI = 1e3;

  private final Results.Builder results;

  /**
   * @param results to which it is added
   */
  EnergyResults(Results.Builder results) {
    this.results = results;
  }

  /** Adds the next round of {@link #PREFILL} or {@link #DECODE}. */
  void add(String group, String subject, int streams, EnergyMeter.Cost cost) {
    results.add(
        group,
        Quantity.lower("processor time", "CPU-ms/token", 3),
        subject,
        streams,
        MILLI * cost.cpuSeconds() / cost.tokens());
    add(group, "processors' energy", subject, streams, cost.joules(), cost.tokens());
    add(group, "GPUs' energy", subject, streams, cost.gpuJoules(), cost.tokens());
    results.add(
        group,
        Quantity.higher("speed", "tokens/s", 1),
        subject,
        streams,
        cost.tokens() / cost.seconds());
  }

  private void add(
      String group, String name, String subject, int streams, OptionalDouble joules, long tokens) {
    if (joules.isPresent()) {
      results.add(
          group,
          Quantity.lower(name, "J/token", 4),
          subject,
          streams,
          joules.getAsDouble() / tokens);
    }
  }

  /** Adds the next round of {@link #REST}. */
  void addRest(String subject, EnergyMeter.Cost cost) {
    results.add(
        REST,
        Quantity.lower("processor time", "CPU-ms/s", 1),
        subject,
        MILLI * cost.cpuSeconds() / cost.seconds());
    addPower("processors' power", subject, cost.joules(), cost.seconds());
    addPower("GPUs' power", subject, cost.gpuJoules(), cost.seconds());
  }

  private void addPower(String name, String subject, OptionalDouble joules, double seconds) {
    if (joules.isPresent()) {
      results.add(REST, Quantity.lower(name, "W", 1), subject, joules.getAsDouble() / seconds);
    }
  }
}
