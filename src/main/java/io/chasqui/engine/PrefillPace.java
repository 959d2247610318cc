package io.chasqui.engine;

/**
 * How many tokens of prompts a step takes beside running streams. One prompt shall not make a step
 * take twice as long as without it, so that streams hardly notice a long one. Where several wait
 * for their first token, each gets as many times that as they are: a step with few tokens is a
 * waste, for all share the reading of the weights, and so many would wait for it. What is computed
 * does not depend on it.
 */
final class PrefillPace {
  /** Of the time of a step without prompts, what one prompt may add. */
  private static final double SHARE = 0.7;

  /**
   * A step takes as long as its tokens and so many more would, if each took the same time: that of
   * reading the weights. Measured in Q4 with two threads, 4, 8 and 16 streams take 22, 33 and 54
   * ms.
   */
  private static final int SHARED_TOKENS = 4;

  /** The kernels multiply with so many tokens at a time: a step of 9 takes as long as one of 12. */
  private static final int TILE = 4;

  private PrefillPace() {}

  /**
   * The most tokens of prompts in a step that running streams share.
   *
   * @param prompts how many prompts are computed, at least one
   * @param streams how many streams run, at least one
   */
  static int tokens(int prompts, int streams) {
    double share = SHARE * prompts * prompts * (streams + SHARED_TOKENS);
    long tiles = Math.max(1 + streams / TILE, Math.round((streams + share) / TILE));
    return (int) tiles * TILE - streams;
  }
}
