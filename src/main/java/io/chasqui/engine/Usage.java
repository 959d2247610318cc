package io.chasqui.engine;

/**
 * What a request took.
 *
 * @param promptTokens tokens of the prompt
 * @param completionTokens tokens that the model computed, the one that ended the turn included
 */
public record Usage(int promptTokens, int completionTokens) {
  public int totalTokens() {
    return promptTokens + completionTokens;
  }
}
