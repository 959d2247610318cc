package io.chasqui.benchmark.autoscaling;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * How many pods Knative's autoscaler (KPA) wants: the rules of {@code autoscaler.go} in Knative
 * Serving's {@code pkg/autoscaler/scaling}, for the metric concurrency.
 *
 * <ul>
 *   <li>Wanted are the mean requests over the stable window, divided by the target and rounded up,
 *       but no less than half the ready pods and no more than a thousand times them.
 *   <li>When the mean over the panic window wants twice the ready pods, it panics: then the greater
 *       of both means counts, and there is no scaling down until the threshold was not met for a
 *       stable window.
 *   <li>Excess burst capacity: requests that the ready pods hold, less the target burst capacity
 *       and the mean over the panic window.
 * </ul>
 *
 * <p>Not here: {@code activation-scale}, the metric {@code rps}, and revisions without a route.
 */
final class PodAutoscaler {
  private static final double MAX_SCALE_UP_RATE = 1000;
  private static final double MAX_SCALE_DOWN_RATE = 2;
  private static final int PANIC_WINDOW_PERCENTAGE = 10;
  private static final double PANIC_THRESHOLD = 2;
  private static final double NEVER = Double.NEGATIVE_INFINITY;

  private final Scaling scaling;
  private final MetricWindow stable;
  private final MetricWindow panic;
  private final Deque<Wanted> delayed = new ArrayDeque<>();
  private double panicTime = NEVER;
  private int panicPods;

  /**
   * @param pods that are wanted, before {@code min-scale} and {@code max-scale}
   * @param excessBurstCapacity negative: the activator must be in the path
   */
  record Decision(int pods, int excessBurstCapacity) {}

  private record Wanted(double time, int pods) {}

  /** An autoscaler that begins where so many pods are ready; with several it panics at first. */
  PodAutoscaler(Scaling scaling, int readyPods) {
    this.scaling = scaling;
    stable = new MetricWindow(scaling.window());
    panic = new MetricWindow(Math.max(1, scaling.window() * PANIC_WINDOW_PERCENTAGE / 100));
    if (readyPods > 1) {
      panicTime = 0;
    }
    panicPods = readyPods;
  }

  /** Adds the mean number of requests in a second. */
  void record(long second, double concurrency) {
    stable.record(second, concurrency);
    panic.record(second, concurrency);
  }

  boolean isPanicking() {
    return panicTime != NEVER;
  }

  /** What is wanted now; nothing if there was no metric within the window. */
  Optional<Decision> decide(long now, int readyPods) {
    return stable.isEmpty(now)
        ? Optional.empty()
        : Optional.of(decide(now, readyPods, stable.average(now), panic.average(now)));
  }

  /** What is wanted now, by the means of both windows. */
  Decision decide(long now, int readyPods, double stableMean, double panicMean) {
    double ready = Math.max(1, readyPods);
    double most = Math.ceil(MAX_SCALE_UP_RATE * ready);
    double least = Math.floor(ready / MAX_SCALE_DOWN_RATE);
    double stableWants = Math.ceil(stableMean / scaling.target());
    double panicWants = Math.ceil(panicMean / scaling.target());

    boolean isOverThreshold = panicWants / ready >= PANIC_THRESHOLD;
    if (isOverThreshold) {
      panicTime = now;
    } else if (isPanicking() && panicTime + scaling.window() < now) {
      panicTime = NEVER;
      panicPods = 0;
    }

    int pods = (int) Math.clamp(stableWants, least, most);
    if (isPanicking()) {
      panicPods = Math.max(panicPods, Math.max(pods, (int) Math.clamp(panicWants, least, most)));
      pods = panicPods;
    }
    return new Decision(delay(now, pods), excessBurstCapacity(readyPods, panicMean));
  }

  /** The most that was wanted in the time of the scale-down delay. */
  private int delay(double now, int pods) {
    if (scaling.scaleDownDelay() == 0) {
      return pods;
    }
    delayed.addLast(new Wanted(now, pods));
    while (delayed.getFirst().time() <= now - scaling.scaleDownDelay()) {
      delayed.removeFirst();
    }
    return delayed.stream().mapToInt(Wanted::pods).max().orElseThrow();
  }

  private int excessBurstCapacity(int readyPods, double panicMean) {
    return switch (scaling.targetBurstCapacity()) {
      case -1 -> -1;
      case 0 -> 0;
      default ->
          (int)
              Math.floor(
                  (double) readyPods * scaling.containerConcurrency()
                      - scaling.targetBurstCapacity()
                      - panicMean);
    };
  }
}
