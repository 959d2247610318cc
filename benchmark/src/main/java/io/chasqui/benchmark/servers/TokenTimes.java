package io.chasqui.benchmark.servers;

import java.util.List;
import java.util.stream.IntStream;

/**
 * When the tokens of one answer came, as {@link System#nanoTime}.
 *
 * @param sent when the request was
 * @param tokens when each came, at least one
 */
public record TokenTimes(long sent, List<Long> tokens) {
  private static final double MILLI = 1e6;

  public TokenTimes {
    tokens = List.copyOf(tokens);
  }

  public long first() {
    return tokens.getFirst();
  }

  public long last() {
    return tokens.getLast();
  }

  /** Time to first token, in milliseconds. */
  public double firstTokenMillis() {
    return (first() - sent) / MILLI;
  }

  /**
   * How many tokens came between two times. A token counts for the part of its gap, the time since
   * the token before it, that lies between them: so it does not matter where in the burst of a step
   * a time is.
   */
  public double tokensBetween(long begin, long end) {
    return gaps().mapToDouble(i -> overlap(i, begin, end) / (double) Math.max(1, gap(i))).sum();
  }

  /** The gaps between tokens that lie between two times, in milliseconds. */
  public List<Double> gapsWithin(long begin, long end) {
    return gaps()
        .filter(i -> tokens.get(i - 1) >= begin && tokens.get(i) <= end)
        .mapToObj(i -> gap(i) / MILLI)
        .toList();
  }

  /** The gaps between tokens that two times have a part of, in milliseconds. */
  public List<Double> gapsTouching(long begin, long end) {
    return gaps().filter(i -> overlap(i, begin, end) > 0).mapToObj(i -> gap(i) / MILLI).toList();
  }

  /** The numbers of the tokens that have one before them. */
  private IntStream gaps() {
    return IntStream.range(1, tokens.size());
  }

  private long gap(int token) {
    return tokens.get(token) - tokens.get(token - 1);
  }

  private long overlap(int token, long begin, long end) {
    return Math.max(0, Math.min(end, tokens.get(token)) - Math.max(begin, tokens.get(token - 1)));
  }
}
