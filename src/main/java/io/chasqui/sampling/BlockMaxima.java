package io.chasqui.sampling;

/**
 * The largest score of every 128 neighbours: one pass over a row that later passes need not repeat.
 * NaN is never the largest.
 */
final class BlockMaxima {
  /** Scores in a block. */
  static final int BLOCK = 128;

  private final float[] maxima;
  private float max;
  private int best;

  BlockMaxima(int vocabularySize) {
    maxima = new float[(vocabularySize + BLOCK - 1) / BLOCK];
  }

  void read(float[] scores) {
    max = Float.NEGATIVE_INFINITY;
    int largest = 0;
    for (int block = 0; block < maxima.length; block++) {
      int from = block * BLOCK;
      int to = Math.min(from + BLOCK, scores.length);
      float of = Float.NEGATIVE_INFINITY;
      for (int i = from; i < to; i++) {
        if (scores[i] > of) {
          of = scores[i];
        }
      }
      maxima[block] = of;
      if (of > max) {
        max = of;
        largest = block;
      }
    }
    best = largest * BLOCK;
    while (max > Float.NEGATIVE_INFINITY && scores[best] != max) {
      best++;
    }
  }

  int blocks() {
    return maxima.length;
  }

  float of(int block) {
    return maxima[block];
  }

  /** The largest of all; minus infinity if no score is larger. */
  float max() {
    return max;
  }

  /** The first that is the largest of all; 0 if none is above minus infinity. */
  int best() {
    return best;
  }
}
