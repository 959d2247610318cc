package io.chasqui.benchmark.autoscaling;

/**
 * The mean of a metric over the last seconds, as Knative Serving's {@code TimedFloat64Buckets} has
 * it: a bucket a second; a window that began less than its length ago is averaged over what there
 * is of it; a second without a value within it counts as 0; and seconds since the last value do not
 * count. After a window without any value it begins anew.
 */
final class MetricWindow {
  private final double[] buckets;
  private long first;
  private long last;

  /**
   * @param seconds of the window
   */
  MetricWindow(int seconds) {
    buckets = new double[seconds];
    last = -2L * seconds;
  }

  /** Adds a value to the bucket of a second, which is not before that of the last value. */
  void record(long second, double value) {
    if (second - last >= buckets.length) {
      first = second;
    }
    for (long gap = Math.max(last + 1, second - buckets.length + 1); gap <= second; gap++) {
      buckets[index(gap)] = 0;
    }
    last = second;
    buckets[index(second)] += value;
  }

  boolean isEmpty(long second) {
    return second - last > buckets.length;
  }

  double average(long second) {
    if (second - last >= buckets.length) {
      return 0;
    }
    long begin = Math.max(first, second - buckets.length + 1);
    double sum = 0;
    for (long each = begin; each <= last; each++) {
      sum += buckets[index(each)];
    }
    // Millionths are cut off, so that what is left of a sum does not keep a pod.
    return Math.floor(sum / (last - begin + 1) * 1e6) / 1e6;
  }

  private int index(long second) {
    return (int) Math.floorMod(second, buckets.length);
  }
}
