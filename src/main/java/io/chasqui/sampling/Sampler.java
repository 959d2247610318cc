package io.chasqui.sampling;

import java.util.Arrays;

/**
 * Chooses the next token of a sequence from a row of logits. Holds scratch memory of the size of
 * the vocabulary, nothing of a sequence: one sampler serves one thread, whatever sequences that
 * has.
 *
 * <p>The random number of a draw is a pure function of the seed and of the token's index in the
 * output, so a sequence that is replayed up to some token goes on exactly as it would have. Nothing
 * is allocated for a token unless n-grams are forbidden, nothing is sorted, and most tokens of a
 * large vocabulary are looked at once or twice.
 */
public final class Sampler {
  /** So many last bits of a key do not matter to its range: sixteen ranges for a factor of two. */
  private static final int RANGE = 21;

  private final TokenSet endOfText;
  private final float[] changed;
  private final BlockMaxima maxima;
  private final Candidates candidates;

  /** Sums of the weights of each block of {@link BlockMaxima}. */
  private final long[] sums;

  /** Sums of the weights of keys that differ in their last bits only. */
  private final long[] ranges = new long[(Integer.MAX_VALUE >>> RANGE) + 1];

  /**
   * Makes a sampler for rows of one length.
   *
   * @param vocabularySize the length of every row of logits
   * @param endOfText the tokens with which the model ends a text, for {@code min_tokens}
   */
  public Sampler(int vocabularySize, TokenSet endOfText) {
    this.endOfText = endOfText;
    changed = new float[vocabularySize];
    maxima = new BlockMaxima(vocabularySize);
    candidates = new Candidates(vocabularySize);
    sums = new long[maxima.blocks()];
  }

  /** Bytes that grow with the vocabulary: a row of scores, and of each candidate three ints. */
  public static long bytes(int vocabularySize) {
    return (long) vocabularySize * (Float.BYTES + 3 * Integer.BYTES);
  }

  /**
   * Chooses a token.
   *
   * @param logits {@code [vocabulary]}; left as it is
   * @param parameters how to choose
   * @param history the prompt and the output so far
   * @param index the index of the token in the output, from 0
   * @return the id of the chosen token
   * @throws IllegalArgumentException if the row has another length than the vocabulary
   */
  public int next(float[] logits, SamplingParameters parameters, TokenHistory history, int index) {
    requireRow(logits);
    float[] scores = logits;
    if (ScoreChanges.any(parameters, index)) {
      System.arraycopy(logits, 0, changed, 0, logits.length);
      ScoreChanges.apply(changed, parameters, history, index, endOfText);
      scores = changed;
    }
    maxima.read(scores);
    if (parameters.isGreedy() || Float.isInfinite(maxima.max())) {
      return maxima.best(); // with an infinite score there is nothing to draw from
    }
    double scale = Weights.scale(parameters.temperature());
    long random = random(parameters.seed(), index);
    if (!parameters.truncates(scores.length)) {
      return drawFromAll(scores, scale, random);
    }
    select(scores, scale, parameters, 1);
    candidates.seek(shareOf(candidates.total(), random), false);
    return candidates.found();
  }

  /**
   * The tokens that may be drawn, until the next call.
   *
   * @param scores {@code [vocabulary]}, the largest of them finite
   * @param parameters with a temperature and something that drops tokens
   * @param atLeast Hugging Face's {@code min_tokens_to_keep}; where there are fewer tokens than
   *     that, so many most likely ones may be drawn instead, which this leaves to the caller
   */
  Candidates allowed(float[] scores, SamplingParameters parameters, int atLeast) {
    maxima.read(scores);
    select(scores, Weights.scale(parameters.temperature()), parameters, atLeast);
    return candidates;
  }

  /**
   * Refuses a row of the wrong length.
   *
   * @throws IllegalArgumentException if it has another length than the vocabulary
   */
  void requireRow(float[] logits) {
    if (logits.length != changed.length) {
      throw new IllegalArgumentException(
          "a row of " + changed.length + " logits expected, but it has " + logits.length);
    }
  }

  /** The length of every row of logits. */
  int vocabularySize() {
    return changed.length;
  }

  /** The tokens with which the model ends a text. */
  TokenSet endOfText() {
    return endOfText;
  }

  /**
   * A number in [0, 1) that depends on nothing but the seed and the index.
   *
   * @see #random
   */
  static double uniform(long seed, int index) {
    return (random(seed, index) >>> 11) * 0x1.0p-53;
  }

  /**
   * Bits that depend on nothing but the seed and the index, 53 of them random: the output function
   * of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
   */
  static long random(long seed, int index) {
    long z = mix(seed) + (index + 1L) * 0x9E3779B97F4A7C15L;
    return mix(z) & -1L << 11;
  }

  /** Turns a number into one that seems to have nothing to do with it. */
  static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /** The part of a whole that random bits stand for: from 0 to below it. */
  private static long shareOf(long whole, long random) {
    return Math.unsignedMultiplyHigh(random, whole);
  }

  /** The least sum that is a share of a whole. */
  private static long shareOf(long whole, double share) {
    return Math.clamp((long) Math.ceil(share * whole), 1, whole);
  }

  /** Draws in the order of the ids, without keeping a weight: a block's are computed again. */
  private int drawFromAll(float[] scores, double scale, long random) {
    long target = shareOf(sumOfAll(scores, scale), random);
    int block = 0;
    while (target >= sums[block]) {
      target -= sums[block++];
    }
    int token = block * BlockMaxima.BLOCK - 1;
    do {
      target -= Weights.of(Weights.key(scores[++token], maxima.max(), scale));
    } while (target >= 0);
    return token;
  }

  /** Fills {@link #sums} and returns their sum. */
  private long sumOfAll(float[] scores, double scale) {
    long total = 0;
    for (int block = 0; block < maxima.blocks(); block++) {
      sums[block] = sumOf(scores, block, scale);
      total += sums[block];
    }
    return total;
  }

  private long sumOf(float[] scores, int block, double scale) {
    float max = maxima.max();
    long sum = 0;
    int to = endOf(block, scores);
    for (int i = block * BlockMaxima.BLOCK; i < to; i++) {
      sum += Weights.of(Weights.key(scores[i], max, scale));
    }
    return sum;
  }

  private static int endOf(int block, float[] scores) {
    return Math.min((block + 1) * BlockMaxima.BLOCK, scores.length);
  }

  /** Leaves the tokens in {@link #candidates} that may be drawn. */
  private void select(float[] scores, double scale, SamplingParameters parameters, int atLeast) {
    int k = parameters.topK();
    double topP = parameters.topP();
    int minPKey = parameters.minP() > 0 ? keyOfShare(parameters.minP()) : Weights.LAST_KEY;
    boolean hasTopK = k > 0 && k < scores.length;
    if (hasTopK) {
      gather(scores, scale, boundOfMostLikely(k, scale));
      if (candidates.seek(k - 1L, true)) {
        candidates.cutAfterFound();
      }
    }
    if (topP < 1) {
      long nucleus;
      if (hasTopK) {
        nucleus = shareOf(candidates.total(), topP);
      } else {
        nucleus = shareOf(sumByRange(scores, scale), topP);
        gather(scores, scale, Math.min(boundOfSum(nucleus), minPKey));
      }
      if (candidates.seek(nucleus - 1, false)) {
        candidates.cutAfterFound();
      }
    } else if (!hasTopK) {
      gather(scores, scale, minPKey);
    }
    if (parameters.minP() > 0) {
      candidates.cutBeyond(minPKey);
    }
    if (parameters.typicalP() < 1) {
      // |−log p − entropy| is the distance of a token's key from the mean key, but for its unit.
      candidates.rankAround(candidates.meanKey());
      candidates.seek(shareOf(candidates.total(), parameters.typicalP()) - 1, false);
      int distance = candidates.foundRank();
      if (atLeast > 1 && candidates.seek(atLeast - 1L, true)) {
        distance = Math.max(distance, candidates.foundRank());
      }
      candidates.cutBeyond(distance);
      candidates.rankAround(0);
    }
  }

  private void gather(float[] scores, double scale, int bound) {
    candidates.clear();
    float max = maxima.max();
    for (int block = 0; block < maxima.blocks(); block++) {
      if (Weights.key(maxima.of(block), max, scale) <= bound) {
        int from = block * BlockMaxima.BLOCK;
        candidates.addAll(scores, from, endOf(block, scores), max, scale, bound);
      }
    }
  }

  /** A key that at least k tokens do not exceed: k blocks have one of them each. */
  private int boundOfMostLikely(int k, double scale) {
    candidates.clear();
    for (int block = 0; block < maxima.blocks(); block++) {
      int key = Weights.key(maxima.of(block), maxima.max(), scale);
      candidates.add(block, key, Weights.LAST_KEY);
    }
    return candidates.seek(k - 1L, true) ? candidates.foundKey() : Weights.LAST_KEY;
  }

  /**
   * Fills {@link #ranges} with the sum of the weights in every range of keys; returns the whole.
   */
  private long sumByRange(float[] scores, double scale) {
    Arrays.fill(ranges, 0);
    float max = maxima.max();
    for (float score : scores) {
      int key = Weights.key(score, max, scale);
      ranges[key >>> RANGE] += Weights.of(key);
    }
    long whole = 0;
    for (long range : ranges) {
      whole += range;
    }
    return whole;
  }

  /** The last key of the range with which a sum is reached. */
  private int boundOfSum(long sum) {
    int range = 0;
    for (long rest = sum - ranges[0]; rest > 0; rest -= ranges[range]) {
      range++;
    }
    return ((range + 1) << RANGE) - 1;
  }

  /** The last key whose weight is at least a share of that of key 0; 0 if there is none. */
  private static int keyOfShare(double share) {
    double key = 0x1p25 * -StrictMath.log(share) / StrictMath.log(2);
    return (int) Math.clamp(key, 0, Weights.LAST_KEY);
  }
}
