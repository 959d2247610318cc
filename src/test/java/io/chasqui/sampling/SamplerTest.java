package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final int DRAWS = 100_000;
  private static final TokenHistory NOTHING = new TokenHistory();
  private static final float NAN = Float.NaN;
  private static final float MINUS_INFINITY = Float.NEGATIVE_INFINITY;

  /** Logarithms of 8, 4, 2, 1 and 1: halves, as far as they go. */
  private static final float[] HALVES = logarithms(8, 4, 2, 1, 1);

  @Test
  void greedyTakesTheFirstOfTheLargest() {
    assertEquals(1, greedy(1, 3, 3, 2));
    assertEquals(0, greedy(-7));
    assertEquals(3, greedy(-4, -3, -2, -1));
  }

  @Test
  void greedyIgnoresEverythingButTheLogits() {
    float[] logits = {1, 3, 3, 2};
    var sampler = sampler(4);
    for (int index = 0; index < 100; index++) {
      assertEquals(
          1, sampler.next(logits, new SamplingParameters(0, 2, 0.5, index), NOTHING, index));
    }
  }

  @Test
  void notANumberIsNeverChosen() {
    assertEquals(2, greedy(NAN, -5, 3, NAN));
    assertNeverDrawn(new float[] {NAN, 1, NAN, 1.5f, NAN}, 0, 2, 4);
  }

  @Test
  void whatIsImpossibleIsNeverDrawn() {
    assertEquals(1, greedy(MINUS_INFINITY, -100, MINUS_INFINITY));
    assertNeverDrawn(
        new float[] {MINUS_INFINITY, 1, MINUS_INFINITY, 1.5f, MINUS_INFINITY}, 0, 2, 4);
  }

  @Test
  void aRowWithoutAnyUsableLogitStillGivesATokenOfTheVocabulary() {
    for (float nothing : new float[] {NAN, MINUS_INFINITY}) {
      float[] logits = new float[9];
      Arrays.fill(logits, nothing);
      for (var parameters : everyWay(3)) {
        assertEquals(0, sampler(9).next(logits, parameters, NOTHING, 0), parameters.toString());
      }
    }
  }

  @Test
  void anInfiniteLogitWins() {
    float[] logits = {1, Float.POSITIVE_INFINITY, 2};
    for (var parameters : everyWay(3)) {
      assertEquals(1, sampler(3).next(logits, parameters, NOTHING, 0), parameters.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({
    // weights 8 4 2 1 1 to the power of 1/temperature, worked out by hand
    "1.0, 8, 4, 2, 1, 1",
    "0.5, 64, 16, 4, 1, 1",
    "2.0, 2.8284271247, 2, 1.4142135624, 1, 1",
  })
  void theTemperatureShapesTheDistribution(
      double temperature, double a, double b, double c, double d, double e) {
    assertDistribution(
        new double[] {a, b, c, d, e}, HALVES, new SamplingParameters(temperature, 0, 1, 17));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 0, 0, 0, 0",
    "2, 8, 4, 0, 0, 0",
    "3, 8, 4, 2, 0, 0",
    // of equally likely tokens the first is kept
    "4, 8, 4, 2, 1, 0",
    "5, 8, 4, 2, 1, 1",
    "6, 8, 4, 2, 1, 1",
    "2147483647, 8, 4, 2, 1, 1",
  })
  void topKKeepsTheMostLikely(int k, double a, double b, double c, double d, double e) {
    assertDistribution(new double[] {a, b, c, d, e}, HALVES, new SamplingParameters(1, k, 1, 18));
  }

  @ParameterizedTest
  @CsvSource({
    // shares: 1/2, 1/4, 1/8, 1/16, 1/16
    "4.9e-324, 8, 0, 0, 0, 0",
    "0.1, 8, 0, 0, 0, 0",
    "0.49, 8, 0, 0, 0, 0",
    "0.51, 8, 4, 0, 0, 0",
    "0.74, 8, 4, 0, 0, 0",
    "0.76, 8, 4, 2, 0, 0",
    "0.9, 8, 4, 2, 1, 0",
    "0.99, 8, 4, 2, 1, 1",
  })
  void topPKeepsTheSmallestSetThatSumsToIt(
      double p, double a, double b, double c, double d, double e) {
    assertDistribution(new double[] {a, b, c, d, e}, HALVES, new SamplingParameters(1, 0, p, 19));
  }

  @Test
  void topPIsAShareOfWhatTopKKept() {
    // Of 8 and 4, the first alone is two thirds; of all five tokens it is one half.
    double[] first = {8, 0, 0, 0, 0};
    double[] firstTwo = {8, 4, 0, 0, 0};
    assertDistribution(first, HALVES, new SamplingParameters(1, 2, 0.65, 20));
    assertDistribution(firstTwo, HALVES, new SamplingParameters(1, 0, 0.65, 20));
    assertDistribution(firstTwo, HALVES, new SamplingParameters(1, 2, 0.68, 20));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void anyCombinationKeepsWhatAReferenceBySortingKeeps(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      int vocabulary = 1 + random.nextInt(40);
      float[] logits = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        // Few distinct values, so that there are ties.
        logits[i] = random.nextInt(8) == 0 ? MINUS_INFINITY : random.nextInt(12) / 3f;
      }
      var parameters =
          new SamplingParameters(
              0.1 + random.nextDouble() * 1.9,
              random.nextInt(vocabulary + 3),
              random.nextBoolean() ? 1 : 0.01 + random.nextDouble() * 0.98,
              random.nextLong());
      double[] kept = reference(logits, parameters);
      var sampler = sampler(vocabulary);
      float[] before = logits.clone();
      for (int index = 0; index < 50; index++) {
        int token = sampler.next(logits, parameters, NOTHING, index);
        assertEquals(
            referenceDraw(kept, parameters, index),
            token,
            "seed %d, round %d, index %d: %s of %s"
                .formatted(seed, round, index, parameters, Arrays.toString(logits)));
      }
      assertArrayEquals(before, logits, "the row of logits is left as it is");
    }
  }

  @Test
  void seedAndIndexAloneDecideADraw() {
    float[] logits = gaussian(500, 7);
    float[] others = gaussian(500, 8);
    for (var parameters : everyWay(99)) {
      var sampler = sampler(500);
      int[] inOrder =
          IntStream.range(0, 50).map(i -> sampler.next(logits, parameters, NOTHING, i)).toArray();
      // Backwards, with another sampler, and with other work between the draws.
      var another = sampler(500);
      for (int i = 49; i >= 0; i--) {
        assertEquals(inOrder[i], another.next(logits, parameters, NOTHING, i));
        another.next(others, new SamplingParameters(1.5, 7, 0.8, i), NOTHING, 3);
      }
    }
  }

  @Test
  void anotherSeedGivesAnotherText() {
    float[] logits = gaussian(500, 7);
    int[] one = text(logits, 1);
    for (long seed : new long[] {0, 2, -1, 1L << 32, Long.MIN_VALUE, Long.MAX_VALUE}) {
      assertNotEquals(Arrays.toString(one), Arrays.toString(text(logits, seed)), "seed " + seed);
    }
    assertArrayEquals(one, text(logits, 1));
  }

  @Test
  void theNumbersOfASeedAndOfNeighbouringSeedsAreSpreadEvenly() {
    int[] alongIndex = new int[20];
    int[] alongSeed = new int[20];
    for (int i = 0; i < DRAWS; i++) {
      alongIndex[(int) (20 * Sampler.uniform(42, i))]++;
      alongSeed[(int) (20 * Sampler.uniform(i, 0))]++;
    }
    double[] even = new double[20];
    Arrays.fill(even, 1);
    assertFits(even, alongIndex, "along the index");
    assertFits(even, alongSeed, "along the seed");
  }

  @Test
  void aVocabularyOfOneTokenLeavesNoChoice() {
    for (var parameters : everyWay(5)) {
      assertEquals(0, sampler(1).next(new float[] {-3}, parameters, NOTHING, 12));
    }
  }

  @Test
  void aRowOfAnotherLengthIsRefused() {
    var sampler = sampler(4);
    assertThrows(
        IllegalArgumentException.class,
        () -> sampler.next(new float[5], SamplingParameters.GREEDY, NOTHING, 0));
  }

  private static Sampler sampler(int vocabularySize) {
    return new Sampler(vocabularySize, TokenSet.EMPTY);
  }

  private static int greedy(float... logits) {
    return sampler(logits.length).next(logits, SamplingParameters.GREEDY, NOTHING, 0);
  }

  private static int[] text(float[] logits, long seed) {
    var sampler = sampler(logits.length);
    var parameters = new SamplingParameters(1, 0, 1, seed);
    return IntStream.range(0, 40).map(i -> sampler.next(logits, parameters, NOTHING, i)).toArray();
  }

  private static SamplingParameters[] everyWay(long seed) {
    return new SamplingParameters[] {
      SamplingParameters.GREEDY,
      new SamplingParameters(1, 0, 1, seed),
      new SamplingParameters(1, 40, 1, seed),
      new SamplingParameters(0.7, 0, 0.9, seed),
      new SamplingParameters(2, 50, 0.95, seed),
      new SamplingParameters(Double.MIN_VALUE, 0, 1, seed),
    };
  }

  private static void assertNeverDrawn(float[] logits, int... forbidden) {
    for (var parameters : everyWay(4)) {
      var sampler = sampler(logits.length);
      for (int index = 0; index < 2_000; index++) {
        int token = sampler.next(logits, parameters, NOTHING, index);
        assertTrue(IntStream.of(forbidden).noneMatch(f -> f == token), token + ", " + parameters);
      }
    }
  }

  private static void assertDistribution(
      double[] weights, float[] logits, SamplingParameters parameters) {
    var sampler = sampler(logits.length);
    int[] counts = new int[logits.length];
    for (int index = 0; index < DRAWS; index++) {
      counts[sampler.next(logits, parameters, NOTHING, index)]++;
    }
    assertFits(weights, counts, parameters.toString());
  }

  /**
   * Pearson's test. The bound is the quantile of 0.999 for 20 degrees of freedom, generous for
   * fewer; the draws are the same in every run, so this passes always or never.
   */
  private static void assertFits(double[] weights, int[] counts, String what) {
    double sum = Arrays.stream(weights).sum();
    double chiSquare = 0;
    for (int i = 0; i < weights.length; i++) {
      double expected = weights[i] / sum * IntStream.of(counts).sum();
      if (expected == 0) {
        assertEquals(0, counts[i], "token " + i + " of " + what);
      } else {
        chiSquare += (counts[i] - expected) * (counts[i] - expected) / expected;
      }
    }
    double bound = weights.length <= 5 ? 18.5 : 45.3;
    assertTrue(chiSquare < bound, what + ": " + chiSquare + ", " + Arrays.toString(counts));
  }

  /** Probabilities after temperature, top_k and top_p, by sorting everything; 0 is left out. */
  private static double[] reference(float[] logits, SamplingParameters parameters) {
    double max = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
    double[] weights = new double[logits.length];
    for (int i = 0; i < logits.length; i++) {
      // Rounded as the sampler rounds, so that draws can be compared one by one.
      weights[i] =
          max == Double.NEGATIVE_INFINITY
              ? 0
              : (float) Math.exp((logits[i] - max) / parameters.temperature());
    }
    Integer[] order = order(weights);
    int k = parameters.topK() == 0 ? order.length : Math.min(parameters.topK(), order.length);
    double total = 0;
    for (int i = 0; i < k; i++) {
      total += weights[order[i]];
    }
    double[] kept = new double[logits.length];
    double sum = 0;
    for (int i = 0; i < k && (i == 0 || sum < parameters.topP() * total - 1e-9); i++) {
      kept[order[i]] = weights[order[i]];
      sum += weights[order[i]];
    }
    return kept;
  }

  private static int referenceDraw(double[] kept, SamplingParameters parameters, int index) {
    boolean all =
        parameters.topP() == 1 && (parameters.topK() == 0 || parameters.topK() >= kept.length);
    Integer[] order =
        all ? IntStream.range(0, kept.length).boxed().toArray(Integer[]::new) : order(kept);
    double sum = Arrays.stream(kept).sum();
    double target = Sampler.uniform(parameters.seed(), index) * sum;
    double cumulated = 0;
    for (int token : order) {
      cumulated += kept[token];
      if (cumulated > target) {
        return token;
      }
    }
    return order(kept)[0];
  }

  private static Integer[] order(double[] weights) {
    Integer[] order = IntStream.range(0, weights.length).boxed().toArray(Integer[]::new);
    Arrays.sort(order, Comparator.comparingDouble(i -> -weights[i]));
    return order;
  }

  private static float[] gaussian(int length, long seed) {
    var random = new Random(seed);
    float[] logits = new float[length];
    for (int i = 0; i < length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    return logits;
  }

  private static float[] logarithms(double... weights) {
    float[] logits = new float[weights.length];
    for (int i = 0; i < weights.length; i++) {
      logits[i] = (float) Math.log(weights[i]);
    }
    return logits;
  }
}
