package io.chasqui.benchmark.soak;

import io.chasqui.benchmark.results.Measurement;
import java.util.ArrayList;
import java.util.List;

/**
 * Where a series of values goes: the slope of Theil and Sen, which is the median of the slopes
 * between any two values, so that a few that stand out do not turn it; and whether Mann and
 * Kendall's test finds that it rises at all.
 *
 * @param start the line's value at the first time
 * @param end its value at the last
 * @param rises whether later values are larger than chance would make them, at one per cent
 */
record Trend(double start, double end, boolean rises) {
  /** What a standard normal variable exceeds once in a hundred times. */
  private static final double ONE_PER_CENT = 2.326;

  /**
   * @param times in ascending order, at least two
   * @param values one for each time
   */
  static Trend of(List<Double> times, List<Double> values) {
    int count = values.size();
    if (count < 2 || times.size() != count) {
      throw new IllegalArgumentException(
          "a trend needs two values or more, each with its time, not %d and %d"
              .formatted(count, times.size()));
    }
    List<Double> slopes = new ArrayList<>();
    int concordance = 0;
    for (int later = 1; later < count; later++) {
      for (int earlier = 0; earlier < later; earlier++) {
        double change = values.get(later) - values.get(earlier);
        slopes.add(change / (times.get(later) - times.get(earlier)));
        concordance += (int) Math.signum(change);
      }
    }
    double slope = Measurement.median(slopes);
    List<Double> starts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      starts.add(values.get(i) - slope * (times.get(i) - times.getFirst()));
    }
    double start = Measurement.median(starts);
    double end = start + slope * (times.getLast() - times.getFirst());
    return new Trend(start, end, concordance - 1 > ONE_PER_CENT * deviation(count));
  }

  /** Of the concordance of values that are in no order. */
  private static double deviation(int count) {
    return Math.sqrt(count * (count - 1.0) * (2.0 * count + 5) / 18);
  }

  /** How much larger the end is than the start, in per cent of the start. */
  double percent() {
    return start == end ? 0 : 100 * (end - start) / start;
  }
}
