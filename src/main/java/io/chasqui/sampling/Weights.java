package io.chasqui.sampling;

/**
 * Relative probabilities as whole numbers. A token whose logit is {@code d} below the largest has
 * the key {@code d ÷ temperature ÷ ln 2} in units of 2⁻²⁵, and the weight 2⁴² · 2⁻ᵏᵉʸ.
 *
 * <p>Whole numbers, because their sum does not depend on the order of its terms; and computed with
 * nothing but what Java defines to the bit, so that a seed gives the same text in a JVM and in a
 * native executable, on every machine. The relative error of a large weight is below 2⁻²⁴, that of
 * a float's rounding; a token that is 2⁴² times less likely than the most likely one counts as
 * impossible.
 */
final class Weights {
  /** The largest key with a weight. */
  static final int LAST_KEY = 42 << 25;

  /** The weight of key 0. */
  static final long ONE = 1L << 42;

  private static final double LOG2_E = 1.4426950408889634;

  /** 2⁴² · 2^(−i ÷ 2048); between two of them a straight line is exact enough. */
  private static final long[] TABLE = table();

  private Weights() {}

  /** Products of roots of one half, which Java defines to the bit, other than powers. */
  private static long[] table() {
    double[] powers = new double[2048];
    powers[0] = ONE;
    double root = 0.5;
    for (int bit = 1024; bit > 0; bit /= 2) {
      root = Math.sqrt(root);
      for (int i = 0; i < 2048; i += 2 * bit) {
        powers[i + bit] = powers[i] * root;
      }
    }
    long[] table = new long[2049];
    for (int i = 0; i < 2048; i++) {
      table[i] = Math.round(powers[i]);
    }
    table[2048] = ONE / 2;
    return table;
  }

  /** By what a difference of logits is multiplied to get a key. */
  static double scale(double temperature) {
    // Finite even for the smallest temperature, so that no difference is no difference.
    return Math.min(0x1p25 * LOG2_E / temperature, 0x1p1000);
  }

  /** The natural logarithm of a weight as a multiple of that of key 0. */
  static double log(long weight) {
    return StrictMath.log(weight * 0x1p-42);
  }

  /**
   * The key of a logit. NaN has the largest.
   *
   * @param max the largest logit, finite
   */
  static int key(float logit, float max, double scale) {
    return key((max - logit) * scale);
  }

  /**
   * The key of a distance that is scaled, rounded down. NaN, or what is below 0, has the largest.
   */
  static int key(double key) {
    // Nothing here is a branch that half of the tokens take.
    return key >= 0 ? (int) Math.min((long) key, Integer.MAX_VALUE) : Integer.MAX_VALUE;
  }

  /**
   * The weight of a key, 0 if it is above {@link #LAST_KEY}.
   *
   * @param key not negative
   */
  static long of(int key) {
    int i = (key >>> 14) & 2047;
    long upper = TABLE[i];
    long step = upper - TABLE[i + 1];
    return (upper - ((step * (key & 0x3FFF)) >> 14)) >> (key >>> 25);
  }
}
