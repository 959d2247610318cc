package io.chasqui.engine;

/**
 * What a request took.
 *
 * @param promptTokens tokens of the prompt
 * @param cachedTokens those of them that an earlier request had computed
 * @param completionTokens tokens that the model computed, the one that ended the turn included: of
 *     all choices where only the best are given, and of a search with beams one for each beam and
 *     step
 * @param draftedTokens tokens that were guessed ahead, the wrong ones included
 * @param acceptedTokens those of them that the model chose
 */
public record Usage(
    int promptTokens,
    int cachedTokens,
    int completionTokens,
    int draftedTokens,
    int acceptedTokens) {

  /** Of a request that shared nothing, without speculation. */
  public Usage(int promptTokens, int completionTokens) {
    this(promptTokens, 0, completionTokens, 0, 0);
  }

  public int totalTokens() {
    return promptTokens + completionTokens;
  }

  /** Guesses that were wrong: computed in vain, and no part of the completion. */
  public int rejectedTokens() {
    return draftedTokens - acceptedTokens;
  }
}
