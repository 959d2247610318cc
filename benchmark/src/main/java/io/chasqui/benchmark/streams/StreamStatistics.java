package io.chasqui.benchmark.streams;

import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.servers.TokenTimes;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** What the times of tokens come to. */
public final class StreamStatistics {
  private static final double SECOND = 1e9;
  private static final double MILLI = 1e6;

  private StreamStatistics() {}

  /** Of streams that were sent at once, their prompts included. */
  static Map<StreamQuantity, Double> batch(List<TokenTimes> streams) {
    long sent = streams.stream().mapToLong(TokenTimes::sent).min().orElseThrow();
    long end = streams.stream().mapToLong(TokenTimes::last).max().orElseThrow();
    int tokens = streams.stream().mapToInt(stream -> stream.tokens().size()).sum();
    return Map.of(
        StreamQuantity.TOKENS_PER_SECOND,
        SECOND * tokens / (end - sent),
        StreamQuantity.LAST_FIRST_TOKEN_MS,
        (allBegun(streams) - sent) / MILLI);
  }

  /**
   * Of streams in the time in which all of them generate: from the first token of the last until
   * the first of them ends.
   *
   * @throws IOException if there is no such time
   */
  static Map<StreamQuantity, Double> decode(List<TokenTimes> streams) throws IOException {
    long begin = allBegun(streams);
    long end = streams.stream().mapToLong(TokenTimes::last).min().orElseThrow();
    if (end <= begin) {
      throw new IOException(
          "a stream had ended before the last of %d began: the server does not run them at once"
              .formatted(streams.size()));
    }
    double tokens = streams.stream().mapToDouble(stream -> stream.tokensBetween(begin, end)).sum();
    return Map.of(StreamQuantity.DECODE_TOKENS_PER_SECOND, SECOND * tokens / (end - begin));
  }

  private static long allBegun(List<TokenTimes> streams) {
    return streams.stream().mapToLong(TokenTimes::first).max().orElseThrow();
  }

  /**
   * Of streams that ran when a prompt came. Before it means: since all of them generated. Beside it
   * is a gap of which any part lies between its request and its first token.
   *
   * @throws IOException if no stream ran before or beside the prompt
   */
  static Map<StreamQuantity, Double> promptBeside(List<TokenTimes> streams, TokenTimes prompt)
      throws IOException {
    long begin = allBegun(streams);
    List<Double> before =
        streams.stream()
            .flatMap(stream -> stream.gapsWithin(begin, prompt.sent()).stream())
            .toList();
    List<Double> beside =
        streams.stream()
            .flatMap(stream -> stream.gapsTouching(prompt.sent(), prompt.first()).stream())
            .toList();
    if (before.isEmpty() || beside.isEmpty()) {
      throw new IOException("no stream ran before the long prompt, or none ran beside it");
    }
    double alone = Measurement.median(before);
    double slowest = percentile(0.99, beside);
    return Map.of(
        StreamQuantity.ITL_P50_ALONE_MS,
        alone,
        StreamQuantity.ITL_P99_ALONE_MS,
        percentile(0.99, before),
        StreamQuantity.ITL_P50_BESIDE_MS,
        Measurement.median(beside),
        StreamQuantity.ITL_P99_BESIDE_MS,
        slowest,
        StreamQuantity.ITL_STALL,
        slowest / alone,
        StreamQuantity.PROMPT_FIRST_TOKEN_MS,
        prompt.firstTokenMillis());
  }

  /** Of a prompt, and of one that begins as it does. */
  static Map<StreamQuantity, Double> prefix(TokenTimes fresh, TokenTimes again) {
    return Map.of(
        StreamQuantity.NEW_FIRST_TOKEN_MS,
        fresh.firstTokenMillis(),
        StreamQuantity.AGAIN_FIRST_TOKEN_MS,
        again.firstTokenMillis(),
        StreamQuantity.AGAIN_TO_NEW,
        again.firstTokenMillis() / fresh.firstTokenMillis());
  }

  /**
   * Of streams that were sent one after the other, until a time; a gap counts of which any part
   * lies before it.
   *
   * @throws IOException if no token had one before it by then
   */
  public static Map<StreamQuantity, Double> latencies(List<TokenTimes> streams, long until)
      throws IOException {
    List<Double> firsts = streams.stream().map(TokenTimes::firstTokenMillis).toList();
    List<Double> gaps =
        streams.stream()
            .flatMap(stream -> stream.gapsTouching(stream.first(), until).stream())
            .toList();
    if (gaps.isEmpty()) {
      throw new IOException("no stream has come to its second token: let them run for longer");
    }
    double median = Measurement.median(gaps);
    double slowest = percentile(0.99, gaps);
    return Map.of(
        StreamQuantity.STREAMS,
        (double) streams.size(),
        StreamQuantity.FIRST_TOKEN_P50_MS,
        Measurement.median(firsts),
        StreamQuantity.FIRST_TOKEN_P99_MS,
        percentile(0.99, firsts),
        StreamQuantity.ITL_P50_MS,
        median,
        StreamQuantity.ITL_P99_MS,
        slowest,
        StreamQuantity.ITL_SPREAD,
        slowest / median);
  }

  /** The smallest of the values that no less than this share of them does not exceed. */
  static double percentile(double share, List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get((int) Math.ceil(share * sorted.size()) - 1);
  }
}
