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
  private static final double SHARE = 0.8;

  /**
   * A step takes as long as its tokens and so many more would, if each took the same time: that of
   * reading the weights. Measured in Q4 with two threads, 4, 8 and 16 streams take 22, 33 and 54
   * ms.
   */
  private static final int SHARED_TOKENS = 4;

  private PrefillPace() {}

  /**
   * The most tokens of prompts in a step that running streams share.
   *
   * @param prompts how many prompts are computed, at least one
   * @param streams how many streams run, at least one
   */
  static int tokens(int prompts, int streams) {
    return (int) (SHARE * prompts * prompts * (streams + SHARED_TOKENS));
  }
}
