package io.chasqui.engine;

/**
 * How many tokens of prompts a step takes beside running streams. A step with them shall not take
 * twice as long as one without, so that streams hardly notice a long prompt; both times are
 * measured as the engine runs. Where more wait for their first token than get further ones, each of
 * them counts as much as a stream: a step may take longer by as much as they are more. What is
 * computed does not depend on it.
 */
final class PrefillPace {
  /** Of the time of a step without prompts, what prompts may add. */
  private static final double SHARE = 0.8;

  private static final int LEAST = 4;
  private static final int FIRST = 16;
  private static final double WEIGHT_OF_LAST = 0.1;

  /** Means; 0 before there is one. */
  private double stepNanos;

  private double tokenNanos;

  /** Tells how long a step took in which so many of the tokens were of prompts. */
  void measured(int promptTokens, int otherTokens, double nanos) {
    if (promptTokens == 0) {
      stepNanos = mean(stepNanos, nanos);
    } else if (otherTokens > 0 && stepNanos > 0) {
      tokenNanos = mean(tokenNanos, Math.max(0, nanos - stepNanos) / promptTokens);
    }
  }

  /**
   * The most tokens of prompts in a step that running streams share.
   *
   * @param prompts how many prompts are computed
   * @param streams how many streams run, at least one
   */
  int tokens(int prompts, int streams) {
    double weight = Math.max(1, (double) prompts / streams);
    if (tokenNanos == 0) {
      return (int) (weight * FIRST);
    }
    return (int) Math.max(LEAST, weight * SHARE * stepNanos / tokenNanos);
  }

  private static double mean(double before, double last) {
    return before == 0 ? last : before + WEIGHT_OF_LAST * (last - before);
  }
}
