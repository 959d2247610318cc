package io.chasqui.sampling;

import java.util.Arrays;

/**
 * The tokens that may still be drawn, with their {@linkplain Weights keys}, in the order of their
 * ids. Their ranks, and what they sum to up to some rank, are found without sorting: a histogram of
 * the sums tells in which range of ranks a sum is reached, and that range is divided again.
 *
 * <p>A token's rank is the distance of its key from {@link #center}, of equal distances the smaller
 * id comes first. Around 0, that is the order of probability.
 */
final class Candidates {
  /** Of the ranges: a rank has 31 bits, a histogram 2¹¹ buckets. */
  private static final int[] SHIFTS = {21, 10, 0};

  private final int[] ids;
  private final int[] keys;
  private int size;

  /** Sum of the weights, or −1 while nobody has asked for it. */
  private long total;

  private int center;
  private final long[] histogram = new long[2048];

  /** Places of those that are in the range that is looked at. */
  private final int[] members;

  /** The place that {@link #seek} has found. */
  private int found;

  Candidates(int vocabularySize) {
    ids = new int[vocabularySize];
    keys = new int[vocabularySize];
    members = new int[vocabularySize];
  }

  void clear() {
    size = 0;
    total = -1;
    center = 0;
  }

  /** Adds a token, whose id must be larger than those before, unless its key is above a bound. */
  void add(int id, int key, int bound) {
    if (key <= bound) {
      ids[size] = id;
      keys[size++] = key;
    }
  }

  /** Adds a block's scores whose keys are not above a bound. */
  void addAll(float[] scores, int from, int to, float max, double scale, int bound) {
    int count = size;
    for (int i = from; i < to; i++) {
      int key = Weights.key(scores[i], max, scale);
      // Written in any case: a branch that nobody can predict would take longer.
      ids[count] = i;
      keys[count] = key;
      count += key <= bound ? 1 : 0;
    }
    size = count;
  }

  int size() {
    return size;
  }

  /** The i-th of them, in the order of their ids. */
  int get(int i) {
    return ids[i];
  }

  /** Sum of the weights. */
  long total() {
    if (total < 0) {
      total = 0;
      for (int i = 0; i < size; i++) {
        total += Weights.of(keys[i]);
      }
    }
    return total;
  }

  /** The mean of the keys, each as often as its token is likely. */
  int meanKey() {
    long weights = 0;
    double sum = 0;
    for (int i = 0; i < size; i++) {
      long weight = Weights.of(keys[i]);
      weights += weight;
      sum += (double) weight * keys[i];
    }
    total = weights;
    return (int) Math.rint(sum / weights);
  }

  /** Changes what ranks are distances from. */
  void rankAround(int key) {
    center = key;
  }

  /**
   * Looks for the first token in the order of rank with which the sum of the weights exceeds a
   * target.
   *
   * @param counting whether each token counts 1, instead of its weight
   * @return false if the sum of all does not
   */
  boolean seek(long target, boolean counting) {
    long sum = 0;
    int count = size;
    for (int shift : SHIFTS) {
      boolean first = shift == SHIFTS[0];
      if (!first && count == 1) {
        break;
      }
      Arrays.fill(histogram, 0);
      for (int i = 0; i < count; i++) {
        int place = first ? i : members[i];
        histogram[bucket(place, shift)] += share(place, counting);
      }
      int reached = 0;
      while (reached < histogram.length && sum + histogram[reached] <= target) {
        sum += histogram[reached++];
      }
      if (reached == histogram.length) {
        return false;
      }
      int narrowed = 0;
      for (int i = 0; i < count; i++) {
        int place = first ? i : members[i];
        members[narrowed] = place;
        narrowed += bucket(place, shift) == reached ? 1 : 0;
      }
      count = narrowed;
    }
    int i = 0;
    do {
      found = members[i++];
      sum += share(found, counting);
    } while (sum <= target);
    return true;
  }

  /** The token that {@link #seek} has found. */
  int found() {
    return ids[found];
  }

  /** The key of the token that {@link #seek} has found. */
  int foundKey() {
    return keys[found];
  }

  /** The distance from the center of the token that {@link #seek} has found. */
  int foundRank() {
    return rank(found);
  }

  /** Drops what ranks after the token that {@link #seek} has found. */
  void cutAfterFound() {
    int last = rank(found);
    int kept = 0;
    for (int i = 0; i < size; i++) {
      int rank = rank(i);
      boolean keep = rank < last || (rank == last && i <= found);
      kept = copy(i, kept, keep);
    }
    size = kept;
    total = -1;
  }

  /** Drops what is farther from the center than a distance. */
  void cutBeyond(int distance) {
    int kept = 0;
    for (int i = 0; i < size; i++) {
      kept = copy(i, kept, rank(i) <= distance);
    }
    size = kept;
    total = -1;
  }

  private int copy(int from, int to, boolean keep) {
    ids[to] = ids[from];
    keys[to] = keys[from];
    return to + (keep ? 1 : 0);
  }

  private int rank(int place) {
    return Math.abs(keys[place] - center);
  }

  private int bucket(int place, int shift) {
    return (rank(place) >>> shift) & 2047;
  }

  private long share(int place, boolean counting) {
    return counting ? 1 : Weights.of(keys[place]);
  }
}
