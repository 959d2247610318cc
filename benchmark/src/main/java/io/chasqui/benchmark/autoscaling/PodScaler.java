package io.chasqui.benchmark.autoscaling;

import java.util.OptionalInt;

/**
 * What becomes of the autoscaler's wish: the rules of {@code scaler.go} in Knative Serving's {@code
 * pkg/reconciler/autoscaling/kpa}. It is kept within {@code min-scale} and {@code max-scale}; and
 * the last pod is taken away only if it was ready for a stable window, nothing was wanted for the
 * time of the pod retention, and the activator was in the path for a grace period of 30 s before.
 */
final class PodScaler {
  private static final double GRACE_PERIOD = 30;
  private static final double NEVER = Double.POSITIVE_INFINITY;

  private final Scaling scaling;
  private double readySince = NEVER;
  private double proxySince = NEVER;
  private double idleSince = NEVER;
  private boolean isProxied;

  PodScaler(Scaling scaling) {
    this.scaling = scaling;
    // What the autoscaler presumes of a pod without requests.
    setProxied(
        0,
        scaling.initialScale() == 0
            || scaling.targetBurstCapacity() == -1
            || scaling.containerConcurrency() < scaling.targetBurstCapacity());
  }

  /** Whether requests go through the activator. */
  boolean isProxied() {
    return isProxied;
  }

  /**
   * @return how many pods there shall be, ready or starting; nothing: as many as there are
   */
  OptionalInt scale(double now, PodAutoscaler.Decision decision, int readyPods) {
    readySince = readyPods == 0 ? NEVER : Math.min(readySince, now);
    int pods = Math.max(decision.pods(), scaling.minScale());
    if (scaling.maxScale() > 0) {
      pods = Math.min(pods, scaling.maxScale());
    }
    idleSince = pods > 0 ? NEVER : Math.min(idleSince, now);
    boolean retains =
        now - readySince < scaling.window() || now - idleSince < scaling.podRetention();
    if (pods == 0 && readyPods > 0 && retains) {
      pods = 1;
    }
    setProxied(now, pods == 0 || decision.excessBurstCapacity() < 0);
    return pods == 0 && now - proxySince < GRACE_PERIOD
        ? OptionalInt.empty()
        : OptionalInt.of(pods);
  }

  private void setProxied(double now, boolean proxied) {
    isProxied = proxied;
    proxySince = proxied ? Math.min(proxySince, now) : NEVER;
  }
}
