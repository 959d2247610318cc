package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Results worked out by hand for each parameter, then any combination against a reference. */
class EachParameterTest {
  private static final int END = 9;
  private static final float NEVER = Float.NEGATIVE_INFINITY;

  /** Logarithms of 8, 4, 2, 1 and 1. */
  private static final float[] HALVES = {2.0794415f, 1.3862944f, 0.6931472f, 0, 0};

  private static final float[] TEN = {5, 4, 3, 2, 1, 0, -1, -2, -3, -4};

  @Test
  void aRepetitionPenaltyDividesPositiveAndMultipliesNegativeScoresOnce() {
    float[] scores = {4, 4, -4, -4, 0};
    var history = new TokenHistory(0, 0, 2);
    history.append(0);
    history.append(4);

    ScoreChanges.apply(scores, with().repetitionPenalty(2).build(), history, 2, TokenSet.EMPTY);

    assertArrayEquals(new float[] {2, 4, -8, -4, 0}, scores);
  }

  @Test
  void frequencyAndPresencePenaltiesLookAtTheOutputOnly() {
    float[] scores = {4, 4, 4, 4};
    var history = new TokenHistory(0, 0, 1);
    for (int token : new int[] {1, 2, 2, 2}) {
      history.append(token);
    }

    var penalties = with().frequencyPenalty(0.5).presencePenalty(-1).build();
    ScoreChanges.apply(scores, penalties, history, 4, TokenSet.EMPTY);

    assertArrayEquals(new float[] {4, 4.5f, 3.5f, 4}, scores);
  }

  @ParameterizedTest
  @CsvSource({
    // prompt and output so far 1 2 3 1 2 4 1 2
    "1, '1 2 3 4'",
    "2, '3 4'",
    "3, '3 4'",
    "4, ''",
    "8, ''",
    "9, ''",
  })
  void noNgramComesTwice(int size, String forbidden) {
    float[] scores = new float[6];
    var history = new TokenHistory(1, 2, 3, 1);
    for (int token : new int[] {2, 4, 1, 2}) {
      history.append(token);
    }

    var parameters = with().noRepeatNgramSize(size).build();
    ScoreChanges.apply(scores, parameters, history, 4, TokenSet.EMPTY);

    Set<String> found = new TreeSet<>();
    for (int i = 0; i < scores.length; i++) {
      if (scores[i] == NEVER) {
        found.add("" + i);
      }
    }
    assertEquals(forbidden, String.join(" ", found));
  }

  @Test
  void nGramsAreFoundAsASlowSearchFindsThem() {
    long seed = Long.getLong("seed", System.nanoTime());
    var random = new Random(seed);
    for (int round = 0; round < 5_000; round++) {
      int[] tokens = random.ints(random.nextInt(1, 40), 0, 2 + random.nextInt(2)).toArray();
      int n = 1 + random.nextInt(8);
      boolean[] expected = new boolean[4];
      for (int i = n - 1; i < tokens.length; i++) {
        expected[tokens[i]] |=
            Arrays.equals(tokens, i - n + 1, i, tokens, tokens.length - n + 1, tokens.length);
      }

      float[] scores = new float[4];
      var parameters = with().noRepeatNgramSize(n).build();
      ScoreChanges.apply(scores, parameters, new TokenHistory(tokens), 0, TokenSet.EMPTY);

      for (int token = 0; token < scores.length; token++) {
        assertEquals(
            expected[token],
            scores[token] == NEVER,
            "seed %d, round %d: %d after %s, n %d"
                .formatted(seed, round, token, Arrays.toString(tokens), n));
      }
    }
  }

  /** Half a billion comparisons of tokens, where each place was compared with all of the n-gram. */
  @Test
  @Timeout(10)
  void longNgramsOfATextThatRepeatsItselfCostNoMoreThanOthers() {
    var history = new TokenHistory(new int[8_000]);
    var parameters = with().noRepeatNgramSize(4_000).build();
    float[] scores = new float[2];
    for (int token = 0; token < 2_000; token++) {
      ScoreChanges.apply(scores, parameters, history, token, TokenSet.EMPTY);
      history.append(0);
    }
    assertEquals(NEVER, scores[0]);
    assertEquals(0, scores[1]);
  }

  @Test
  void aBiasIsAddedAndCanForbidOrForce() {
    assertEquals(1, greedy(with().logitBias(LogitBias.of(Map.of(0, -100.0))), 0));
    assertEquals(7, greedy(with().logitBias(LogitBias.of(Map.of(7, 100.0, 8, 99.0))), 0));
    assertEquals(1, greedy(with().logitBias(LogitBias.of(Map.of(1, 1.5))), 0));
    assertEquals(0, greedy(with().logitBias(LogitBias.of(Map.of(1, 0.5))), 0));
  }

  @Test
  void nothingThatEndsTheTextComesBeforeTheMinimum() {
    var parameters = with().minTokens(3).stopTokens(TokenSet.of(0));
    var sampler = new Sampler(10, TokenSet.of(1));
    for (int index = 0; index < 6; index++) {
      int token = sampler.next(TEN, parameters.build(), new TokenHistory(5), index);
      assertEquals(index < 3 ? 2 : 0, token);
    }
  }

  @Test
  void theAnswerEndsWithEndOfTextUnlessThatIsIgnoredAndWithAStopToken() {
    var end = TokenSet.of(END);
    var stop = TokenSet.of(3, 4);
    assertTrue(with().build().endsWith(END, end));
    assertFalse(with().build().endsWith(3, end));
    assertFalse(with().ignoreEos(true).build().endsWith(END, end));
    assertTrue(with().ignoreEos(true).stopTokens(stop).build().endsWith(3, end));
    assertTrue(with().stopTokens(stop).build().endsWith(END, end));
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "0.6, 1", "0.4, 2", "0.26, 2", "0.24, 3", "0.13, 3", "0.12, 5", "0.01, 5"})
  void minPKeepsWhatIsAtLeastSoManyTimesAsLikelyAsTheFirst(double minP, int kept) {
    assertEquals(firstTokens(kept), drawn(with().temperature(1).minP(minP)));
  }

  @ParameterizedTest
  @CsvSource({
    // Shares 1/2 1/4 1/8 1/16 1/16: the entropy is 1.875 bits, so the distances are
    // 0.875, 0.125, 1.125, 2.125, 2.125, and the order of the tokens 1 0 2 3 4.
    "0.2, '[1]'",
    "0.26, '[0, 1]'",
    "0.74, '[0, 1]'",
    "0.76, '[0, 1, 2]'",
    // of tokens at the same distance all are kept
    "0.9, '[0, 1, 2, 3, 4]'",
    "0.99, '[0, 1, 2, 3, 4]'",
  })
  void typicalPKeepsWhatIsClosestToTheEntropy(double typicalP, String kept) {
    assertEquals(kept, drawn(with().temperature(1).typicalP(typicalP)).toString());
  }

  @Test
  void minPIsARatioToTheFirstWhateverTopPHasLeft() {
    assertEquals(firstTokens(2), drawn(with().temperature(1).topP(0.76).minP(0.26)));
    assertEquals(firstTokens(3), drawn(with().temperature(1).topP(0.76).minP(0.13)));
  }

  @Test
  void typicalPSeesOnlyWhatTheOthersHaveLeft() {
    // Of 8 and 4 the entropy is 0.918 bits; the first is 0.585 and the second 1.585 bits.
    assertEquals(Set.of(0), drawn(with().temperature(1).topK(2).typicalP(0.5)));
  }

  @Test
  void logprobsAreThoseOfTheLogitsThemselves() {
    TokenLogprobs logprobs = TokenLogprobs.of(HALVES, 2, 4);

    assertEquals(Math.log(1 / 8.0), logprobs.chosen(), 1e-6);
    assertArrayEquals(new int[] {0, 1, 2, 3}, logprobs.topIds());
    for (int i = 0; i < 4; i++) {
      assertEquals(Math.log(Math.pow(0.5, i + 1)), logprobs.topLogprobs()[i], 1e-6);
    }
    assertEquals(0, TokenLogprobs.of(HALVES, 4, 0).topIds().length);
    assertEquals(5, TokenLogprobs.of(HALVES, 4, 20).topIds().length);
  }

  @Test
  void logprobsOfALargeVocabularyAreThoseOfASort() {
    float[] logits = gaussian(new Random(3), 10_000, 3);
    logits[0] = Float.NaN;
    logits[77] = NEVER;
    double[] scores = new double[logits.length];
    Arrays.setAll(scores, i -> Float.isNaN(logits[i]) ? NEVER : logits[i]);
    double[] probabilities = SlowSampler.softmax(scores);
    Integer[] order = SlowSampler.order(probabilities);

    TokenLogprobs logprobs = TokenLogprobs.of(logits, 77, 20);

    assertEquals(NEVER, logprobs.chosen());
    for (int i = 0; i < 20; i++) {
      assertEquals(order[i], logprobs.topIds()[i]);
      assertEquals(Math.log(probabilities[order[i]]), logprobs.topLogprobs()[i], 1e-5);
    }
  }

  @Test
  void theLogitsAreLeftAsTheyAre() {
    float[] logits = TEN.clone();
    var parameters = with().repetitionPenalty(2).noRepeatNgramSize(1).frequencyPenalty(1).build();
    new Sampler(10, TokenSet.EMPTY).next(logits, parameters, new TokenHistory(0, 1), 0);
    assertArrayEquals(TEN, logits);
  }

  @Test
  void weightsArePowersToTheirLastBits() {
    for (int key = 0; key <= 20 << 25; key += 4_099) {
      double exact = 0x1p42 * Math.pow(2, -key * 0x1p-25);
      assertEquals(exact, (double) Weights.of(key), 1 + exact * 0x1p-25, "key " + key);
    }
    assertEquals(1, Weights.of(Weights.LAST_KEY));
    assertEquals(0, Weights.of(Weights.LAST_KEY + 1));
    assertEquals(0, Weights.of(Integer.MAX_VALUE));
    for (float impossible : new float[] {NEVER, Float.NaN, -Float.MAX_VALUE}) {
      assertEquals(0, Weights.of(Weights.key(impossible, 1, Weights.scale(0.5))));
    }
  }

  @Test
  void idsOutsideTheVocabularyAreRefusedByName() {
    var bias = with().logitBias(LogitBias.of(Map.of(10, 1.0))).build();
    var stop = with().stopTokens(TokenSet.of(-1)).build();
    bias.requireVocabulary(11);
    assertMessage("logit_bias", () -> bias.requireVocabulary(10));
    assertMessage("stop_token_ids", () -> stop.requireVocabulary(10));
    assertMessage("logit_bias", () -> LogitBias.of(Map.of(1, 100.5)));
    assertMessage("logit_bias", () -> LogitBias.of(Map.of(1, Double.NaN)));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void anyCombinationDrawsWhatASlowReferenceDraws(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 150; round++) {
      int vocabulary = random.nextInt(10) == 0 ? 2 + random.nextInt(3_000) : 2 + random.nextInt(60);
      float[] logits = gaussian(random, vocabulary, 0.5 + 3 * random.nextDouble());
      int[] prompt = random.ints(1 + random.nextInt(20), 0, vocabulary).toArray();
      int[] output = random.ints(random.nextInt(20), 0, vocabulary).toArray();
      int end = random.nextInt(vocabulary);
      SamplingParameters parameters = any(random, vocabulary);
      var history = new TokenHistory(prompt);
      Arrays.stream(output).forEach(history::append);
      double[] expected = SlowSampler.probabilities(logits, parameters, prompt, output, end);
      if (Double.isNaN(expected[0])) {
        continue; // every token is forbidden
      }

      int token =
          new Sampler(vocabulary, TokenSet.of(end))
              .next(logits, parameters, history, output.length);

      double u = Sampler.uniform(parameters.seed(), output.length);
      assertDrawn(
          expected,
          parameters.truncates(vocabulary),
          parameters.temperature() == 0 ? 0.5 : u,
          token,
          "seed %d, round %d: %s".formatted(seed, round, parameters));
    }
  }

  private static SamplingParameters any(Random random, int vocabulary) {
    var parameters =
        with().temperature(random.nextInt(5) == 0 ? 0 : 0.2 + 1.8 * random.nextDouble());
    parameters.seed(random.nextLong());
    if (random.nextBoolean()) {
      parameters.topK(random.nextInt(vocabulary + 2));
    }
    if (random.nextBoolean()) {
      parameters.topP(0.05 + 0.95 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      parameters.minP(0.3 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      parameters.typicalP(0.05 + 0.95 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      parameters.repetitionPenalty(0.5 + 1.5 * random.nextDouble());
    }
    if (random.nextBoolean()) {
      parameters.frequencyPenalty(4 * random.nextDouble() - 2);
    }
    if (random.nextBoolean()) {
      parameters.presencePenalty(4 * random.nextDouble() - 2);
    }
    if (random.nextBoolean()) {
      parameters.noRepeatNgramSize(random.nextInt(4));
    }
    if (random.nextBoolean()) {
      parameters.logitBias(
          LogitBias.of(Map.of(random.nextInt(vocabulary), 10 * random.nextDouble() - 5)));
    }
    if (random.nextBoolean()) {
      parameters.minTokens(random.nextInt(20)).stopTokens(TokenSet.of(random.nextInt(vocabulary)));
    }
    return parameters.build();
  }

  /**
   * The token whose share of [0, 1) has u in it, but for rounding; shares in the order of draws.
   */
  private static void assertDrawn(
      double[] expected, boolean byProbability, double u, int token, String what) {
    Integer[] order = SlowSampler.order(byProbability ? expected : new double[expected.length]);
    double before = 0;
    for (int i = 0; order[i] != token; i++) {
      before += expected[order[i]];
    }
    assertTrue(expected[token] > 0, what + ": impossible token " + token);
    assertTrue(
        u > before - 1e-6 && u < before + expected[token] + 1e-6,
        "%s: token %d, %s not in %s + %s".formatted(what, token, u, before, expected[token]));
  }

  private static SamplingParameters.Builder with() {
    return SamplingParameters.builder();
  }

  private static int greedy(SamplingParameters.Builder parameters, int index) {
    return new Sampler(10, TokenSet.EMPTY)
        .next(TEN, parameters.build(), new TokenHistory(5), index);
  }

  /** The tokens that come up in many draws from {@link #HALVES}. */
  private static Set<Integer> drawn(SamplingParameters.Builder parameters) {
    var sampler = new Sampler(HALVES.length, TokenSet.EMPTY);
    Set<Integer> tokens = new TreeSet<>();
    for (int index = 0; index < 2_000; index++) {
      tokens.add(sampler.next(HALVES, parameters.build(), new TokenHistory(0), index));
    }
    return tokens;
  }

  private static Set<Integer> firstTokens(int count) {
    Set<Integer> tokens = new TreeSet<>();
    for (int i = 0; i < count; i++) {
      tokens.add(i);
    }
    return tokens;
  }

  private static float[] gaussian(Random random, int length, double deviation) {
    float[] logits = new float[length];
    for (int i = 0; i < length; i++) {
      logits[i] = (float) (deviation * random.nextGaussian());
    }
    return logits;
  }

  private static void assertMessage(String name, Runnable refused) {
    var refusal = assertThrows(IllegalArgumentException.class, refused::run);
    assertTrue(refusal.getMessage().contains(name), refusal.getMessage());
  }
}
