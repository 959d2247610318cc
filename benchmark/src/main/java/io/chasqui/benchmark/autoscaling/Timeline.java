package io.chasqui.benchmark.autoscaling;

import java.util.EnumMap;
import java.util.Map;
import java.util.stream.IntStream;

/** What there was at the end of each second. */
public final class Timeline {
  /** What is counted. */
  public enum Series {
    /** Requests that came in the second. */
    ARRIVALS,
    /** Requests in queues or running. */
    REQUESTS,
    /** Pods that take requests. */
    READY,
    /** Pods that take requests or start. */
    PODS
  }

  private final int length;
  private final Map<Series, int[]> counts = new EnumMap<>(Series.class);

  Timeline(int seconds) {
    length = seconds;
    for (Series series : Series.values()) {
      counts.put(series, new int[seconds]);
    }
  }

  /** Seconds that there is room for; those after them are left out. */
  public int length() {
    return length;
  }

  void set(int second, Series series, int count) {
    if (second < length) {
      counts.get(series)[second] = count;
    }
  }

  /**
   * Means of so many seconds each.
   *
   * @param begin the first second
   * @param end the second after the last
   */
  public double[] means(Series series, int begin, int end, int width) {
    int[] all = counts.get(series);
    return IntStream.range(0, (end - begin) / width)
        .mapToDouble(point ->
            IntStream.range(0, width)
                .map(i -> all[begin + point * width + i])
                .average()
                .orElseThrow())
        .toArray();
  }
}
