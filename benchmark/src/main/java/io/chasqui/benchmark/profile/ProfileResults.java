package io.chasqui.benchmark.profile;

import io.chasqui.benchmark.results.Better;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.DType;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * Where the time of a run's threads went. A run has its wall time as often as it has threads; what
 * these have not spent in an operation or in sampling they have waited, at a barrier or for the
 * sampling of others.
 */
final class ProfileResults {
  private static final double GIGA = 1e9;

  /**
   * A round of a phase.
   *
   * @param title of the phase
   * @param tokens that were computed
   * @param forwardNanos wall time of the forward passes
   * @param samplingNanos wall time of the sampling
   * @param samplerNanos time of all threads in it
   * @param operations time and work of all threads
   * @param plainNanos wall time of as much with kernels whose time is not measured
   */
  record Round(
      String title,
      long tokens,
      long forwardNanos,
      long samplingNanos,
      long samplerNanos,
      Map<Operation, OperationSum> operations,
      long plainNanos) {
    private long nanos() {
      return forwardNanos + samplingNanos;
    }
  }

  /**
   * The roof: what this machine can do at most.
   *
   * @param bandwidth of memory, in bytes a second
   * @param macs multiply-adds a second, of each type
   */
  record Limits(double bandwidth, Map<DType, Double> macs) {}

  private final Results.Builder results;
  private final String subject;
  private final int threads;
  private final Limits limits;

  /**
   * @param results to which it is added
   * @param subject whose they are
   */
  ProfileResults(Results.Builder results, String subject, int threads, Limits limits) {
    this.results = results;
    this.subject = subject;
    this.threads = threads;
    this.limits = limits;
  }

  void add(Round round) {
    List<Map.Entry<Operation, OperationSum>> operations =
        round.operations().entrySet().stream()
            .sorted(Comparator.comparing(each -> -each.getValue().nanos()))
            .toList();
    long known = 0;
    for (Map.Entry<Operation, OperationSum> each : operations) {
      addShare(round, each.getKey().name(), each.getValue().nanos());
      known += each.getValue().nanos();
    }
    addShare(round, "barriers and what else is in a pass", threads * round.forwardNanos() - known);
    addShare(round, "sampling", round.samplerNanos());
    addShare(round, "idle beside sampling", threads * round.samplingNanos() - round.samplerNanos());
    operations.forEach(each -> addRates(round, each.getKey(), each.getValue()));
    addSpeed(round, "speed", round.nanos());
    addSpeed(round, "speed without measuring", round.plainNanos());
  }

  private void addShare(Round round, String name, long threadNanos) {
    results.add(
        round.title(),
        new Quantity(name, "% of the time", Better.NEITHER, 1),
        subject,
        100.0 * threadNanos / (threads * round.nanos()));
  }

  private void addRates(Round round, Operation operation, OperationSum sum) {
    if (operation.dtype().isEmpty() || sum.nanos() == 0) {
      return;
    }
    double seconds = sum.nanos() / GIGA / threads;
    double macs = sum.macs() / seconds;
    double bytes = sum.bytes() / seconds;
    double roof =
        Math.max(macs / limits.macs().get(operation.dtype().get()), bytes / limits.bandwidth());
    String name = operation.name();
    results.add(round.title(), Quantity.higher(name, "GMAC/s", 1), subject, macs / GIGA);
    results.add(round.title(), Quantity.higher(name, "GB/s", 1), subject, bytes / GIGA);
    results.add(round.title(), Quantity.higher(name, "% of the roof", 0), subject, 100 * roof);
  }

  private void addSpeed(Round round, String name, long nanos) {
    results.add(
        round.title(),
        Quantity.higher(name, "tokens/s", 1),
        subject,
        GIGA * round.tokens() / nanos);
  }
}
