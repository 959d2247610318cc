package io.chasqui.sampling;

/**
 * Draws the next token of one sequence from a row of logits. Holds scratch memory of the size of
 * the vocabulary, so one sampler serves one sequence at a time.
 *
 * <p>The random number of a draw is a pure function of the seed and of the token's index in the
 * output, so a sequence that is replayed up to some token goes on exactly as it would have.
 */
public final class Sampler {
  private final float[] weight;
  private final int[] heap;

  /**
   * Makes a sampler for rows of one length.
   *
   * @param vocabularySize the length of every row of logits
   */
  public Sampler(int vocabularySize) {
    weight = new float[vocabularySize];
    heap = new int[vocabularySize];
  }

  /**
   * Draws a token.
   *
   * @param logits {@code [vocabulary]}; left as it is
   * @param parameters how to draw
   * @param index the index of the token in the output, from 0
   * @return the id of the chosen token
   * @throws IllegalArgumentException if the row has another length than the vocabulary
   */
  public int next(float[] logits, SamplingParameters parameters, int index) {
    if (logits.length != weight.length) {
      throw new IllegalArgumentException(
          "a row of " + weight.length + " logits expected, but it has " + logits.length);
    }
    int best = argmax(logits);
    if (parameters.temperature() == 0) {
      return best;
    }
    double sum = exponentiate(logits, logits[best], parameters.temperature());
    if (sum == 0) {
      return best; // the largest logit is infinite or no number: there is nothing to draw from
    }
    double u = uniform(parameters.seed(), index);
    int k = parameters.topK();
    boolean all = (k == 0 || k >= logits.length) && parameters.topP() == 1;
    return all ? drawFromAll(u * sum, best) : drawFromMostLikely(u, k, parameters.topP(), sum);
  }

  /** The first of the largest logits; NaN is never the largest. */
  static int argmax(float[] logits) {
    int best = 0;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      if (logits[i] > max) {
        max = logits[i];
        best = i;
      }
    }
    return best;
  }

  /**
   * A number in [0, 1) that depends on nothing but the seed and the index: the output function of
   * SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
   */
  static double uniform(long seed, int index) {
    long z = mix(seed) + (index + 1L) * 0x9E3779B97F4A7C15L;
    return (mix(z) >>> 11) * 0x1.0p-53;
  }

  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** Fills {@link #weight} with exp((logit − max) ÷ temperature) and returns the sum. */
  private double exponentiate(float[] logits, float max, double temperature) {
    double sum = 0;
    for (int i = 0; i < logits.length; i++) {
      float w = (float) Math.exp((logits[i] - max) / temperature);
      weight[i] = w > 0 ? w : 0;
      sum += weight[i];
    }
    return sum;
  }

  private int drawFromAll(double target, int best) {
    double cumulated = 0;
    for (int i = 0; i < weight.length; i++) {
      cumulated += weight[i];
      if (cumulated > target) {
        return i;
      }
    }
    // Rounding can leave the target a hair above the last partial sum.
    return best;
  }

  /**
   * Takes tokens in the order of their probability from a heap until {@code k} or the nucleus is
   * full: O(vocabulary + taken × log vocabulary), without sorting what is never taken.
   */
  private int drawFromMostLikely(double u, int k, double topP, double sum) {
    heapify();
    int size = heap.length;
    int popped = 0;
    if (k > 0) {
      // top_p is a share of what top_k has kept, so all of that is taken first.
      sum = 0;
      while (popped < Math.min(k, size)) {
        sum += weight[popLargest(size - popped++)];
      }
    }
    int limit = k > 0 ? popped : size;
    double kept = 0;
    int taken = 0;
    while (taken < limit && (taken == 0 || kept < topP * sum)) {
      if (taken == popped) {
        popLargest(size - popped++);
      }
      kept += weight[nthLargest(taken++)];
    }
    double target = u * kept;
    double cumulated = 0;
    for (int i = 0; i < taken; i++) {
      cumulated += weight[nthLargest(i)];
      if (cumulated > target) {
        return nthLargest(i);
      }
    }
    return nthLargest(0);
  }

  /** The i-th token that {@link #popLargest} took, from 0: they lie from the end of the heap on. */
  private int nthLargest(int i) {
    return heap[heap.length - 1 - i];
  }

  private void heapify() {
    int size = heap.length;
    for (int i = 0; i < size; i++) {
      heap[i] = i;
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      siftDown(i, size);
    }
  }

  private int popLargest(int size) {
    int largest = heap[0];
    heap[0] = heap[size - 1];
    heap[size - 1] = largest;
    siftDown(0, size - 1);
    return largest;
  }

  private void siftDown(int i, int size) {
    int token = heap[i];
    while (true) {
      int child = 2 * i + 1;
      if (child >= size) {
        break;
      }
      if (child + 1 < size && before(heap[child + 1], heap[child])) {
        child++;
      }
      if (!before(heap[child], token)) {
        break;
      }
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = token;
  }

  /** A strict order, so that equal probabilities cannot make two runs differ. */
  private boolean before(int a, int b) {
    return weight[a] > weight[b] || (weight[a] == weight[b] && a < b);
  }
}
