package io.chasqui.benchmark.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/**
 * What has changed between the beginning and the end of a soak's counted time, and whether that is
 * more than it may be. Latencies and memory are judged by the {@link Trend} of the samples, which
 * must also rise by more than chance; files, threads and KV blocks by what the server held at rest
 * before and after.
 */
final class SoakDrift {
  /** Per cent of the start. */
  private static final double MEDIAN_LIMIT = 20;

  /** Per cent of the start; the slowest of few are another few each time. */
  private static final double P99_LIMIT = 50;

  /** Per cent of the start. */
  private static final double MEMORY_LIMIT = 5;

  /**
   * The change of one quantity.
   *
   * @param unit of change and limit; empty of a number
   * @param limit the most that is no drift
   * @param isBeyond whether it drifts
   */
  record Change(String name, String unit, double change, double limit, boolean isBeyond) {
    String sentence() {
      return String.format(
          Locale.ROOT,
          "%s drifts by %+.1f%s, where %+.0f%3$s is the limit",
          name,
          change,
          unit.isEmpty() ? "" : " " + unit,
          limit);
    }
  }

  private final List<Change> changes = new ArrayList<>();

  /**
   * @param samples of the counted time
   * @param before at rest, before it
   * @param after at rest, after it
   */
  SoakDrift(List<SoakSample> samples, SoakSample before, SoakSample after) {
    trend("TTFT, median", MEDIAN_LIMIT, samples, each -> each.latencies().firstTokenMedian());
    trend("TTFT, 99th percentile", P99_LIMIT, samples, each -> each.latencies().firstTokenP99());
    trend("ITL, median", MEDIAN_LIMIT, samples, each -> each.latencies().gapMedian());
    trend("ITL, 99th percentile", P99_LIMIT, samples, each -> each.latencies().gapP99());
    trend("anonymous memory", MEMORY_LIMIT, samples, each -> each.held().resident().anonymous());
    difference("open files at rest", "", after.held().files() - before.held().files());
    difference("threads at rest", "", after.held().threads() - before.held().threads());
    difference("KV blocks in use at rest", "%", 100 * (after.kvUsage() - before.kvUsage()));
  }

  private void trend(
      String name, double limit, List<SoakSample> samples, ToDoubleFunction<SoakSample> value) {
    Trend trend =
        Trend.of(
            samples.stream().map(SoakSample::minutes).toList(),
            samples.stream().map(value::applyAsDouble).toList());
    double percent = trend.percent();
    changes.add(new Change(name, "%", percent, limit, percent > limit && trend.rises()));
  }

  /** Of what may not become more. */
  private void difference(String name, String unit, double change) {
    changes.add(new Change(name, unit, change, 0, change > 0));
  }

  List<Change> changes() {
    return List.copyOf(changes);
  }

  /** Those that are more than they may be. */
  List<Change> beyond() {
    return changes.stream().filter(Change::isBeyond).toList();
  }
}
