package io.chasqui.benchmark.soak;

import io.chasqui.benchmark.servers.Server;
import java.util.OptionalDouble;

/**
 * What a time of a soak came to.
 *
 * @param minutes from the first request to its end
 * @param latencies of the streams of this time, in milliseconds; null where nothing ran
 * @param held at its end
 * @param kvUsage at its end, the part of the KV blocks that sequences use
 * @param heap at its end, in bytes
 */
record SoakSample(
    double minutes,
    Latencies latencies,
    Server.Holdings held,
    double kvUsage,
    OptionalDouble heap) {
  /** Times to first token and inter-token latencies: median and 99th percentile. */
  record Latencies(double firstTokenMedian, double firstTokenP99, double gapMedian, double gapP99) {
    static Latencies of(LatencyWindow.Taken taken) {
      return new Latencies(
          LatencyWindow.millis(taken.firstTokens(), 50),
          LatencyWindow.millis(taken.firstTokens(), 99),
          LatencyWindow.millis(taken.gaps(), 50),
          LatencyWindow.millis(taken.gaps(), 99));
    }
  }
}
