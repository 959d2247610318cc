package io.chasqui.benchmark.soak;

import java.util.function.IntConsumer;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;

/** Latencies of the streams of a time, to which many threads add while one takes them away. */
final class LatencyWindow {
  private static final int DIGITS = 3;
  private static final double MILLI = 1e6;

  private final Recorder firstTokens = new Recorder(DIGITS);
  private final Recorder gaps = new Recorder(DIGITS);

  /**
   * What came since the last time it was asked for, in nanoseconds.
   *
   * @param firstTokens times to first token
   * @param gaps inter-token latencies
   */
  record Taken(Histogram firstTokens, Histogram gaps) {
    boolean isEmpty() {
      return firstTokens.getTotalCount() == 0 || gaps.getTotalCount() == 0;
    }
  }

  /** Hears of each token of a stream that is sent now. */
  IntConsumer stream() {
    return new IntConsumer() {
      private long last = System.nanoTime();

      @Override
      public void accept(int tokens) {
        long now = System.nanoTime();
        (tokens == 1 ? firstTokens : gaps).recordValue(now - last);
        last = now;
      }
    };
  }

  Taken take() {
    return new Taken(firstTokens.getIntervalHistogram(), gaps.getIntervalHistogram());
  }

  /** A percentile, in milliseconds. */
  static double millis(Histogram nanos, double percentile) {
    return nanos.getValueAtPercentile(percentile) / MILLI;
  }
}
