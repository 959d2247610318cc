package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Results worked out by hand, or by trying every sequence. */
class BeamSearchTest {
  private static final int END = 0;
  private static final TokenSet ENDS = TokenSet.of(END);
  private static final double ROUNDING = 1e-5;

  /**
   * The example of Hugging Face's "How to generate text": nice 0, dog 1, car 2, woman 3, house 4,
   * guy 5, and 6, runs 7, has 8, is 9, drives 10, turns 11.
   */
  private static final ToyModel THE =
      ToyModel.table(
          12,
          Map.of(
              List.of(),
              new double[] {0.5, 0.4, 0.1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
              List.of(0),
              new double[] {0, 0, 0, 0.4, 0.3, 0.3, 0, 0, 0, 0, 0, 0},
              List.of(1),
              new double[] {0, 0, 0, 0, 0, 0, 0.05, 0.05, 0.9, 0, 0, 0},
              List.of(2),
              new double[] {0, 0, 0, 0, 0, 0, 0, 0, 0, 0.3, 0.5, 0.2}));

  /** Tokens END, a and b. */
  private static final ToyModel SHORT_OR_LONG =
      ToyModel.table(
          3,
          Map.of(
              List.of(), new double[] {0.4, 0.35, 0.25},
              List.of(1), new double[] {0.9, 0.05, 0.05},
              List.of(2), new double[] {0.5, 0.25, 0.25}));

  @Test
  void theMostLikelySequenceNeedNotBeginWithTheMostLikelyToken() {
    var search = ToyModel.search(12, TokenSet.EMPTY, SamplingParameters.GREEDY, returning(2, 1), 2);

    List<Hypothesis> found = THE.run(search);

    assertTokens(found, "1 8", "0 3");
    assertEquals(Math.log(0.36) / 2, found.get(0).score(), ROUNDING);
    assertEquals(Math.log(0.2) / 2, found.get(1).score(), ROUNDING);
    assertFalse(found.get(0).ended());
    assertEquals(Math.log(0.4), found.get(0).logprobs().get(0).chosen(), ROUNDING);
    assertEquals(Math.log(0.9), found.get(0).logprobs().get(1).chosen(), ROUNDING);
  }

  @ParameterizedTest
  @CsvSource({
    // END 0.4; a END 0.35 × 0.9; b END 0.25 × 0.5
    "-1, 0, 1 0",
    "0, 0, 1 0",
    "1, 1 0, 0",
    "2, 1 0, 2 0",
  })
  void aLengthPenaltyAboveZeroFavoursLongSequences(double penalty, String first, String second) {
    var search = ToyModel.search(3, ENDS, SamplingParameters.GREEDY, returning(2, penalty), 5);

    List<Hypothesis> found = SHORT_OR_LONG.run(search);

    assertTokens(found, first, second);
    assertTrue(found.getFirst().ended());
  }

  @Test
  void whatEndsCountsOnlyIfItIsAmongTheBestBeams() {
    // END is the third of two beams' continuations, although no hypothesis is as likely later.
    var model =
        ToyModel.table(
            4,
            Map.of(
                List.of(), new double[] {0.2, 0.45, 0.35, 0},
                List.of(1), new double[] {0.1, 0.3, 0.3, 0.3},
                List.of(2), new double[] {0.1, 0.3, 0.3, 0.3}));
    var search = ToyModel.search(4, ENDS, SamplingParameters.GREEDY, returning(2, 0), 2);

    assertTokens(model.run(search), "1 1", "1 2");
  }

  @ParameterizedTest
  @CsvSource({"WHEN_FULL, 0, 1 0", "HEURISTIC, 1 1 0, 0", "NEVER, 1 1 0, 0"})
  void onlyEarlyStoppingEndsWhileABeamIsBetterThanAHypothesis(
      EarlyStopping stopping, String first, String second) {
    // With END 0.3 and a END 0.18 there are two hypotheses, but a a with 0.42 is better.
    var model =
        ToyModel.table(
            3,
            Map.of(
                List.of(), new double[] {0.3, 0.6, 0.1},
                List.of(1), new double[] {0.3, 0.7, 0},
                List.of(1, 1), new double[] {0.9, 0.1, 0}));
    var parameters = new BeamParameters(2, 2, 0, stopping);

    assertTokens(
        model.run(ToyModel.search(3, ENDS, SamplingParameters.GREEDY, parameters, 6)),
        first,
        second);
  }

  @ParameterizedTest
  @CsvSource({"WHEN_FULL, 0", "HEURISTIC, 0", "NEVER, 1 0"})
  void onlyNeverWaitsForWhatTheLengthPenaltyMayMakeBetter(EarlyStopping stopping, String best) {
    // ln 0.5 is better than ln 0.3, but not than ln 0.3 ÷ 2.
    var model =
        ToyModel.table(
            3,
            Map.of(
                List.of(), new double[] {0.5, 0.3, 0.2},
                List.of(1), new double[] {1, 0, 0},
                List.of(2), new double[] {1, 0, 0}));
    var parameters = new BeamParameters(1, 1, 1, stopping);

    assertTokens(
        model.run(ToyModel.search(3, ENDS, SamplingParameters.GREEDY, parameters, 6)), best);
  }

  @Test
  void ofEqualContinuationsTheBeamAndThenTheTokenOfTheSmallerNumberComesFirst() {
    var equal = ToyModel.table(5, Map.of());
    var search = ToyModel.search(5, TokenSet.EMPTY, SamplingParameters.GREEDY, returning(3, 1), 2);

    assertTokens(equal.run(search), "0 0", "0 1", "0 2");
  }

  @ParameterizedTest
  @EnumSource(EarlyStopping.class)
  void beamsForAllSequencesFindTheBestOfAll(EarlyStopping stopping) {
    // With 3 tokens, 15 sequences end or have 3 tokens.
    for (double penalty : new double[] {-1, 0, 1, 2}) {
      for (int seed = 0; seed < 50; seed++) {
        assertFindsTheBest(3, 3, seed, new BeamParameters(16, 16, penalty, stopping));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"NEVER, -1", "NEVER, 0", "NEVER, 1", "NEVER, 2", "HEURISTIC, -1", "HEURISTIC, 0"})
  void endingEarlyWithoutAHeuristicLosesNothing(EarlyStopping stopping, double penalty) {
    // 31 sequences end or have 4 tokens, but no more than 8 go on at a time.
    for (int seed = 0; seed < 100; seed++) {
      assertFindsTheBest(3, 4, seed, new BeamParameters(16, 12, penalty, stopping));
    }
  }

  @ParameterizedTest
  @EnumSource(EarlyStopping.class)
  void aSingleBeamIsGreedy(EarlyStopping stopping) {
    var parameters = new BeamParameters(1, 1, 0, stopping);
    var sampling =
        SamplingParameters.builder().minTokens(2).presencePenalty(0.5).noRepeatNgramSize(2);
    for (int seed = 0; seed < 200; seed++) {
      ToyModel model = ToyModel.random(6, 1, seed);
      var sampler = new Sampler(6, ENDS);
      var history = new TokenHistory(3, 4);
      for (int i = 0; i < 7; i++) {
        int[] tokens = history.range(0, history.length());
        int token = sampler.next(model.logits(tokens), sampling.build(), history, i);
        history.append(token);
        if (token == END) {
          break;
        }
      }

      List<Hypothesis> found =
          model.run(ToyModel.search(6, ENDS, sampling.build(), parameters, 7, 3, 4));

      assertArrayEquals(
          history.range(2, history.length()), found.getFirst().tokens(), "seed " + seed);
    }
  }

  @Test
  void theOrderInWhichRowsAreReadDoesNotMatter() {
    for (ToyModel model : List.of(ToyModel.random(9, 1, 7), ToyModel.table(9, Map.of()))) {
      for (double temperature : new double[] {0, 0.8}) {
        var sampling = SamplingParameters.builder().temperature(temperature).seed(5).build();
        List<Hypothesis> expected =
            model.run(ToyModel.search(9, ENDS, sampling, returning(4, 1), 6));
        var search = ToyModel.search(9, ENDS, sampling, returning(4, 1), 6);
        while (!search.isDone()) {
          for (int beam = search.beams() - 1; beam >= 0; beam--) {
            var history = search.history(beam);
            search.read(beam, model.logits(history.range(0, history.length())));
          }
          search.next();
        }

        assertTokens(search.hypotheses(), texts(expected));
      }
    }
  }

  @Test
  void aStopConditionEndsASequenceLikeAToken() {
    var search = ToyModel.search(12, TokenSet.EMPTY, SamplingParameters.GREEDY, returning(2, 1), 3);

    List<Hypothesis> found = THE.run(search, (beam, token) -> token == 8 || token == 3);

    assertTokens(found, "1 8", "0 3");
    assertTrue(found.get(0).ended());
    assertTrue(found.get(1).ended());
  }

  @Test
  void anEndThatIsIgnoredIsATokenLikeOthers() {
    var sampling = SamplingParameters.builder().ignoreEos(true).build();

    List<Hypothesis> found =
        SHORT_OR_LONG.run(ToyModel.search(3, ENDS, sampling, returning(2, 1), 1));

    assertTokens(found, "0", "1");
    assertFalse(found.get(0).ended());
  }

  @Test
  void onlyPossibleSequencesAreFound() {
    // Without repetition, two tokens have two orders, and then nothing is left.
    var sampling = SamplingParameters.builder().noRepeatNgramSize(1).build();
    ToyModel model = ToyModel.random(2, 1, 1);

    List<Hypothesis> found =
        model.run(ToyModel.search(2, TokenSet.EMPTY, sampling, returning(4, 1), 9));

    assertEquals(2, found.size());
    assertEquals(2, found.get(0).tokens().length);
    assertFalse(found.get(0).ended());
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NEGATIVE_INFINITY, Float.NaN})
  void aRowWithoutAnyUsableLogitEndsTheSearch(float nothing) {
    float[] logits = new float[9];
    Arrays.fill(logits, nothing);
    for (double temperature : new double[] {0, 1}) {
      var sampling = SamplingParameters.builder().temperature(temperature).build();
      ToyModel model = tokens -> logits;

      List<Hypothesis> found = model.run(ToyModel.search(9, ENDS, sampling, returning(4, 1), 9));

      assertTokens(found, "");
      assertEquals(0, found.getFirst().score());
    }
  }

  @Test
  void eachTokenTellsTheLogprobsOfItsRow() {
    ToyModel model = ToyModel.random(8, 2, 3);
    var sampling = SamplingParameters.builder().temperature(0.7).repetitionPenalty(1.5).build();
    var scorer = new BeamScorer(new Sampler(8, ENDS));
    var search = new BeamSearch(scorer, sampling, returning(4, 1), 5, 3, 6, 7);

    for (Hypothesis each : model.run(search)) {
      for (int i = 0; i < each.tokens().length; i++) {
        var before = new TokenHistory(6, 7);
        Arrays.stream(each.tokens()).limit(i).forEach(before::append);
        var expected = TokenLogprobs.of(model.logits(before.range(0, 2 + i)), each.tokens()[i], 3);
        TokenLogprobs actual = each.logprobs().get(i);
        assertEquals(expected.chosen(), actual.chosen());
        assertArrayEquals(expected.topIds(), actual.topIds());
        assertArrayEquals(expected.topLogprobs(), actual.topLogprobs());
      }
    }
  }

  @Test
  void whatCannotBeASearchIsRefusedByName() {
    var scorer = new BeamScorer(new Sampler(3, ENDS));
    refused(
        "max_tokens",
        () -> new BeamSearch(scorer, SamplingParameters.GREEDY, returning(2, 1), 0, 0));
    refused(
        "top_logprobs",
        () -> new BeamSearch(scorer, SamplingParameters.GREEDY, returning(2, 1), 1, -1));
    var search = new BeamSearch(scorer, SamplingParameters.GREEDY, returning(2, 1), 1, 0);
    refused("a row of 3 logits", () -> search.read(0, new float[2]));
  }

  @Test
  void aStepThatIsOutOfOrderIsRefused() {
    var search = ToyModel.search(3, ENDS, SamplingParameters.GREEDY, returning(2, 1), 1);
    float[] logits = {1, 2, 3};

    assertThrows(IllegalStateException.class, search::next);
    assertThrows(IllegalStateException.class, search::hypotheses);
    assertThrows(IllegalStateException.class, () -> search.token(0));
    search.read(0, logits);
    assertThrows(IllegalStateException.class, () -> search.read(0, logits));
    search.next();
    assertTrue(search.isDone());
    assertEquals(0, search.beams());
    assertThrows(IllegalStateException.class, search::next);
  }

  private static void assertFindsTheBest(
      int vocabulary, int maxTokens, int seed, BeamParameters parameters) {
    ToyModel model = ToyModel.random(vocabulary, 1.5, seed);
    var all = new ArrayList<Scored>();
    enumerate(model, new Scored(new int[0], 0), maxTokens, parameters.lengthPenalty(), all);
    all.sort(Comparator.comparingDouble(each -> -each.score));

    List<Hypothesis> found =
        model.run(
            ToyModel.search(vocabulary, ENDS, SamplingParameters.GREEDY, parameters, maxTokens));

    String circumstances = "seed " + seed + ", " + parameters;
    assertEquals(Math.min(parameters.n(), all.size()), found.size(), circumstances);
    for (int i = 0; i < found.size(); i++) {
      assertArrayEquals(all.get(i).tokens, found.get(i).tokens(), circumstances);
      assertEquals(all.get(i).score, found.get(i).score(), ROUNDING, circumstances);
    }
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record Scored(int[] tokens, double score) {}

  /** All sequences that end, or have as many tokens as there may be. */
  private static void enumerate(
      ToyModel model, Scored before, int maxTokens, double penalty, List<Scored> into) {
    float[] logits = model.logits(before.tokens);
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    for (int token = 0; token < logits.length; token++) {
      int[] tokens = Arrays.copyOf(before.tokens, before.tokens.length + 1);
      tokens[before.tokens.length] = token;
      double score = before.score + logits[token] - Math.log(sum);
      if (token == END || tokens.length == maxTokens) {
        into.add(new Scored(tokens, score / Math.pow(tokens.length, penalty)));
      } else {
        enumerate(model, new Scored(tokens, score), maxTokens, penalty, into);
      }
    }
  }

  private static BeamParameters returning(int beams, double lengthPenalty) {
    return new BeamParameters(beams, beams, lengthPenalty, EarlyStopping.HEURISTIC);
  }

  private static void assertTokens(List<Hypothesis> found, String... expected) {
    assertEquals(List.of(expected), List.of(texts(found)).subList(0, expected.length));
  }

  private static String[] texts(List<Hypothesis> found) {
    return found.stream()
        .map(each ->
            String.join(" ", Arrays.stream(each.tokens()).mapToObj(String::valueOf).toList()))
        .toArray(String[]::new);
  }

  private static void refused(String beginning, Runnable call) {
    var refusal = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(refusal.getMessage().startsWith(beginning), refusal.getMessage());
  }
}
