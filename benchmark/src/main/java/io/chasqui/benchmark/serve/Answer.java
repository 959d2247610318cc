package io.chasqui.benchmark.serve;

import java.util.List;
import java.util.OptionalDouble;

/**
 * What came of a request. Its latencies count from when it was to be sent, not from when it was: a
 * client that is late does not make a server look quick.
 *
 * @param scheduled when it was to be sent
 * @param sent when it was handed to the HTTP client
 * @param end when the answer was over
 * @param outcome {@link #COMPLETE}, a status such as {@code 429}, or what else happened
 * @param events when those with text came; of a complete answer without text, its end
 * @param promptTokens as the server counts them; 0 if it does not tell
 * @param tokens of the answer, as the server counts them, or else its events
 * @param message of the server, if it is an error
 */
public record Answer(
    long scheduled,
    long sent,
    long end,
    String outcome,
    List<Long> events,
    int promptTokens,
    int tokens,
    String message) {
  /** The outcome of an answer that came to its end. */
  public static final String COMPLETE = "complete";

  /** The outcome of one that did not, in the time that it had. */
  public static final String TIMEOUT = "timeout";

  /** The status of a server that has too much to do. */
  public static final String REFUSED = "429";

  private static final double MILLI = 1e6;

  public Answer {
    events = List.copyOf(events);
  }

  /** Whether it came to its end. */
  public boolean isComplete() {
    return outcome.equals(COMPLETE);
  }

  /** Time to first token (TTFT) of a complete answer. */
  public double firstTokenMillis() {
    return (events.getFirst() - scheduled) / MILLI;
  }

  /**
   * Mean time of each token after the first (TPOT): none of an answer of one token.
   *
   * @see <a href="https://github.com/mlcommons/inference">MLPerf's LoadGen</a>, which divides in
   *     the same way
   */
  public OptionalDouble perTokenMillis() {
    return tokens < 2
        ? OptionalDouble.empty()
        : OptionalDouble.of((events.getLast() - events.getFirst()) / MILLI / (tokens - 1));
  }

  /** From when it was to be sent until it was over. */
  public double endToEndMillis() {
    return (end - scheduled) / MILLI;
  }

  /** How late the client was. */
  public double sendDelayMillis() {
    return (sent - scheduled) / MILLI;
  }

  /** How many of its tokens came between two times, each event having as many as the others. */
  double tokensBetween(long from, long to) {
    long between = events.stream().filter(event -> event >= from && event < to).count();
    return between == 0 ? 0 : between * (double) tokens / events.size();
  }
}
