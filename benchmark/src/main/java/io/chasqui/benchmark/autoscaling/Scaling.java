package io.chasqui.benchmark.autoscaling;

/**
 * What a revision tells Knative about its scaling: {@code containerConcurrency} and annotations.
 * The annotation {@code target} is not there: the target is containerConcurrency, of which the
 * autoscaler aims at a part; nor are those of the panic mode, which have their defaults.
 *
 * @param containerConcurrency requests that Knative lets into a container at once, at least one
 * @param utilization {@code target-utilization-percentage}
 * @param targetBurstCapacity requests that shall find room at once: as long as there is less, the
 *     activator stays in the path; -1: always, 0: only where there is no pod
 * @param window seconds that the stable mean is taken over, 6 to 3600
 * @param initialScale pods that are ready when the simulation begins
 * @param minScale pods at least
 * @param maxScale pods at most; 0: any number
 * @param scaleDownDelay seconds for which less must be wanted before pods are taken away
 * @param podRetention seconds for which nothing must be wanted before the last pod is taken away
 */
public record Scaling(
    int containerConcurrency,
    int utilization,
    int targetBurstCapacity,
    int window,
    int initialScale,
    int minScale,
    int maxScale,
    int scaleDownDelay,
    int podRetention) {
  /**
   * @throws IllegalArgumentException if Knative would refuse it
   */
  public Scaling {
    require(containerConcurrency >= 1, "containerConcurrency must be at least 1");
    require(
        1 <= utilization && utilization <= 100, "target-utilization-percentage must be 1 to 100");
    require(targetBurstCapacity >= -1, "target-burst-capacity must be at least -1");
    require(6 <= window && window <= 3600, "window must be 6 to 3600 seconds");
    require(
        0 <= minScale && (maxScale == 0 || minScale <= maxScale),
        "min-scale must not be above max-scale");
    require(initialScale >= minScale, "initial-scale must not be below min-scale");
    require(scaleDownDelay >= 0 && podRetention >= 0, "no time may be negative");
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalArgumentException(otherwise);
    }
  }

  /** Knative's defaults, with no pod at first. */
  public static Scaling defaults(int containerConcurrency) {
    return new Scaling(containerConcurrency, 70, 211, 60, 0, 0, 0, 0, 0);
  }

  /** What the autoscaler aims at: requests of a pod. */
  double target() {
    return Math.max(1, containerConcurrency * utilization / 100.0);
  }

  /** The same with another {@code target-utilization-percentage}. */
  public Scaling withUtilization(int other) {
    return new Scaling(
        containerConcurrency,
        other,
        targetBurstCapacity,
        window,
        initialScale,
        minScale,
        maxScale,
        scaleDownDelay,
        podRetention);
  }

  /** The same with another {@code target-burst-capacity}. */
  public Scaling withTargetBurstCapacity(int other) {
    return new Scaling(
        containerConcurrency,
        utilization,
        other,
        window,
        initialScale,
        minScale,
        maxScale,
        scaleDownDelay,
        podRetention);
  }

  /** The same with another {@code window}. */
  public Scaling withWindow(int other) {
    return new Scaling(
        containerConcurrency,
        utilization,
        targetBurstCapacity,
        other,
        initialScale,
        minScale,
        maxScale,
        scaleDownDelay,
        podRetention);
  }

  /**
   * The same with other numbers of pods.
   *
   * @param initial pods that are ready when the simulation begins
   * @param least pods at least
   * @param most pods at most; 0: any number
   */
  public Scaling withPods(int initial, int least, int most) {
    return new Scaling(
        containerConcurrency,
        utilization,
        targetBurstCapacity,
        window,
        initial,
        least,
        most,
        scaleDownDelay,
        podRetention);
  }

  /**
   * The same with another {@code scale-down-delay} and {@code scale-to-zero-pod-retention-period}.
   */
  public Scaling withDelays(int scaleDown, int lastPod) {
    return new Scaling(
        containerConcurrency,
        utilization,
        targetBurstCapacity,
        window,
        initialScale,
        minScale,
        maxScale,
        scaleDown,
        lastPod);
  }
}
