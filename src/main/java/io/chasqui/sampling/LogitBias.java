package io.chasqui.sampling;

import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;

/**
 * What is added to the scores of some tokens: OpenAI's {@code logit_bias}. Immutable; applying it
 * boxes nothing.
 */
public final class LogitBias {
  /** OpenAI's bound: enough to forbid a token, or to leave no other. */
  public static final double MAX = 100;

  public static final LogitBias NONE = of(Map.of());

  private final TokenSet tokens;

  /** In the order of {@link #tokens}. */
  private final float[] biases;

  private LogitBias(TokenSet tokens, float[] biases) {
    this.tokens = tokens;
    this.biases = biases;
  }

  /**
   * Makes a bias.
   *
   * @param biases from token ids to what is added to their scores
   * @throws IllegalArgumentException if one is not between −100 and 100
   */
  public static LogitBias of(Map<Integer, Double> biases) {
    var sorted = new TreeMap<>(biases);
    sorted.forEach((token, bias) -> {
      if (!(Math.abs(bias) <= MAX)) {
        throw new IllegalArgumentException(
            "logit_bias must be between -100 and 100, but is %s for token %d"
                .formatted(bias, token));
      }
    });
    float[] values = new float[sorted.size()];
    int i = 0;
    for (double bias : sorted.values()) {
      values[i++] = (float) bias;
    }
    return new LogitBias(TokenSet.of(sorted.keySet()), values);
  }

  /** The tokens that it changes. */
  public TokenSet tokens() {
    return tokens;
  }

  void addTo(float[] scores) {
    for (int i = 0; i < biases.length; i++) {
      scores[tokens.get(i)] += biases[i];
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LogitBias bias
        && tokens.equals(bias.tokens)
        && Arrays.equals(biases, bias.biases);
  }

  @Override
  public int hashCode() {
    return 31 * tokens.hashCode() + Arrays.hashCode(biases);
  }

  @Override
  public String toString() {
    return tokens + " += " + Arrays.toString(biases);
  }
}
