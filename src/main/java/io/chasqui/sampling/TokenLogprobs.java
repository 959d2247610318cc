package io.chasqui.sampling;

import java.util.Arrays;

/**
 * Natural logarithms of probabilities in the model's own distribution, the softmax of its logits
 * before temperature, penalties and all else.
 *
 * @param chosen of the token that was chosen
 * @param topIds the most likely tokens, the most likely first; of equally likely ones the one with
 *     the smaller id
 * @param topLogprobs theirs; minus infinity for what is impossible
 */
@SuppressWarnings("ArrayRecordComponent") // one for every token of an answer, read once
public record TokenLogprobs(float chosen, int[] topIds, float[] topLogprobs) {

  /**
   * Computes them.
   *
   * @param logits {@code [vocabulary]}, as the model gave them; at least one of them finite, none
   *     positive infinity
   * @param chosen the id of the token that was chosen
   * @param top how many most likely tokens to tell; fewer if fewer are in the vocabulary
   */
  public static TokenLogprobs of(float[] logits, int chosen, int top) {
    int[] ids = mostLikely(logits, Math.clamp(top, 1, logits.length));
    float max = logits[ids[0]];
    double logSum = logSum(logits, max);
    float[] logprobs = new float[Math.min(top, ids.length)];
    for (int i = 0; i < logprobs.length; i++) {
      logprobs[i] = logprob(logits[ids[i]], max, logSum);
    }
    return new TokenLogprobs(
        logprob(logits[chosen], max, logSum), Arrays.copyOf(ids, logprobs.length), logprobs);
  }

  /**
   * The logarithm of the sum of all weights, as a multiple of that of the largest logit.
   *
   * @param max the largest logit, finite
   */
  static double logSum(float[] logits, float max) {
    double scale = Weights.scale(1);
    long sum = 0;
    for (float logit : logits) {
      sum += Weights.of(Weights.key(logit, max, scale));
    }
    return Weights.log(sum);
  }

  /** The log-probability of a token, from its logit and what {@link #logSum} gives. */
  static float logprob(float logit, float max, double logSum) {
    return (float) ((double) logit - max - logSum);
  }

  private static int[] mostLikely(float[] logits, int count) {
    int[] ids = new int[count];
    int size = 0;
    float least = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      if (size < count || logits[i] > least) {
        int at = size < count ? size++ : count - 1;
        for (; at > 0 && isAbove(logits[i], logits[ids[at - 1]]); at--) {
          ids[at] = ids[at - 1];
        }
        ids[at] = i;
        float last = logits[ids[size - 1]];
        least = Float.isNaN(last) ? Float.NEGATIVE_INFINITY : last;
      }
    }
    return ids;
  }

  /** NaN is below everything else. */
  private static boolean isAbove(float a, float b) {
    return a > b || (Float.isNaN(b) && !Float.isNaN(a));
  }
}
