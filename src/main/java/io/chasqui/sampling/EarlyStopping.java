package io.chasqui.sampling;

/**
 * When a {@linkplain BeamSearch beam search} ends that has found as many hypotheses as it has
 * beams: the three values of Hugging Face's {@code early_stopping}. With fewer hypotheses no search
 * ends, unless no sequence can go on.
 */
public enum EarlyStopping {
  /** {@code true}: at once. */
  WHEN_FULL,

  /**
   * {@code false}: when the best beam, if it ended now, would be no better than the worst
   * hypothesis. A heuristic: with a positive length penalty, a longer sequence might still be.
   */
  HEURISTIC,

  /**
   * {@code "never"}: when the best beam could be no better than the worst hypothesis even if all
   * tokens that follow were certain.
   */
  NEVER
}
