package io.chasqui.benchmark.soak;

import io.chasqui.benchmark.results.Better;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** What a soak has measured, as results: all samples by their time, and what has drifted. */
final class SoakResults {
  private static final String WARM_UP = "warm-up, at minutes";
  private static final String COUNTED = "counted, at minutes";
  private static final String REST = "at rest, at minutes";
  private static final String DRIFT = "drift";
  private static final double MEGABYTE = 1e6;

  private final Results.Builder results;
  private final String subject;

  /**
   * @param results to which it is added
   * @param subject the server's id
   */
  SoakResults(Results.Builder results, String subject) {
    this.results = results;
    this.subject = subject;
  }

  void addWarmUp(List<SoakSample> samples) {
    addSamples(WARM_UP, samples);
  }

  void addCounted(List<SoakSample> samples) {
    addSamples(COUNTED, samples);
  }

  private void addSamples(String group, List<SoakSample> samples) {
    add(group, samples, ms("TTFT, median", 1), each -> each.latencies().firstTokenMedian());
    add(group, samples, ms("TTFT, 99th percentile", 1), each -> each.latencies().firstTokenP99());
    add(group, samples, ms("ITL, median", 2), each -> each.latencies().gapMedian());
    add(group, samples, ms("ITL, 99th percentile", 2), each -> each.latencies().gapP99());
    addHoldings(group, samples);
  }

  void addRest(SoakSample before, SoakSample after) {
    addHoldings(REST, List.of(before, after));
  }

  private void addHoldings(String group, List<SoakSample> samples) {
    add(
        group,
        samples,
        Quantity.lower("anonymous memory", "MB", 1),
        each -> each.held().resident().anonymous() / MEGABYTE);
    if (samples.stream().allMatch(each -> each.heap().isPresent())) {
      add(
          group,
          samples,
          Quantity.lower("heap in use", "MB", 1),
          each -> each.heap().getAsDouble() / MEGABYTE);
    }
    add(group, samples, Quantity.lower("open files", "", 0), each -> each.held().files());
    add(group, samples, Quantity.lower("threads", "", 0), each -> each.held().threads());
    add(
        group,
        samples,
        new Quantity("KV blocks in use", "%", Better.NEITHER, 2),
        each -> 100 * each.kvUsage());
  }

  private static Quantity ms(String name, int decimals) {
    return Quantity.lower(name, "ms", decimals);
  }

  private void add(
      String group,
      List<SoakSample> samples,
      Quantity quantity,
      ToDoubleFunction<SoakSample> value) {
    for (SoakSample each : samples) {
      results.add(group, quantity, subject, minutes(each), value.applyAsDouble(each));
    }
  }

  /** To hundredths, as tables show them. */
  private static double minutes(SoakSample sample) {
    return Math.rint(100 * sample.minutes()) / 100;
  }

  void addDrift(SoakDrift drift) {
    for (SoakDrift.Change each : drift.changes()) {
      String name = String.format(Locale.ROOT, "%s (limit %+.0f)", each.name(), each.limit());
      results.add(DRIFT, Quantity.lower(name, each.unit(), 1), subject, each.change());
    }
    results.note(
        "A change of samples beyond its limit is drift if they also rise by more than chance (Mann"
            + " and Kendall's test, one per cent).");
    results.note(
        drift.beyond().isEmpty()
            ? "Nothing drifts."
            : String.join("; ", drift.beyond().stream().map(SoakDrift.Change::sentence).toList())
                + ".");
  }
}
