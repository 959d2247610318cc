package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.sampling.BeamSearch.StopCondition;
import io.chasqui.sampling.SlowBeamSearch.Slot;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Any combination of parameters gives what {@link SlowBeamSearch} finds, in made up models. */
class BeamDefinitionTest {
  private static final int ROUNDS = 1_500;
  private static final List<EarlyStopping> STOPPINGS = List.of(EarlyStopping.values());

  @ParameterizedTest
  @CsvSource({"1, false", "2, false", "3, true", "4, true"})
  void everyCombinationOfParametersFindsWhatTheDefinitionFinds(long seed, boolean draws) {
    var random = new Random(seed);
    int compared = 0;
    for (int round = 0; round < ROUNDS; round++) {
      compared += new Case(random, draws).compare(seed, round) ? 1 : 0;
    }
    assertTrue(compared > 0.7 * ROUNDS, "only " + compared + " rounds tell anything");
  }

  /** A search with parameters that may be anything. */
  private static final class Case {
    private final int vocabulary;
    private final int[] endOfText;
    private final int[] prompt;
    private final int maxTokens;
    private final SamplingParameters sampling;
    private final BeamParameters parameters;
    private final StopCondition stop;

    Case(Random random, boolean draws) {
      int beams = 1 + random.nextInt(5);
      int ends = random.nextInt(4);
      vocabulary = Math.max(2, 1 + ends) * beams + random.nextInt(12);
      endOfText = random.ints(ends, 0, vocabulary).distinct().toArray();
      prompt = random.ints(random.nextInt(4), 0, vocabulary).toArray();
      maxTokens = 1 + random.nextInt(7);
      var builder = SamplingParameters.builder().seed(random.nextLong());
      if (rarely(random)) {
        builder.repetitionPenalty(0.6 + random.nextDouble());
      }
      if (rarely(random)) {
        builder.frequencyPenalty(random.nextDouble()).presencePenalty(-random.nextDouble());
      }
      if (rarely(random)) {
        builder.noRepeatNgramSize(2 + random.nextInt(2));
      }
      if (rarely(random)) {
        builder.minTokens(random.nextInt(4));
      }
      if (rarely(random)) {
        builder.ignoreEos(true);
      }
      if (rarely(random)) {
        builder.stopTokens(TokenSet.of(random.nextInt(vocabulary)));
      }
      if (rarely(random)) {
        builder.logitBias(LogitBias.of(Map.of(random.nextInt(vocabulary), random.nextGaussian())));
      }
      if (draws) {
        builder.temperature(0.4 + random.nextDouble());
        if (rarely(random)) {
          builder.topK(1 + random.nextInt(vocabulary));
        }
        if (rarely(random)) {
          builder.topP(0.05 + 0.9 * random.nextDouble());
        }
        if (rarely(random)) {
          builder.minP(0.3 * random.nextDouble());
        }
        if (rarely(random)) {
          builder.typicalP(0.05 + 0.9 * random.nextDouble());
        }
      }
      sampling = builder.build();
      double[] penalties = {-1, 0, 0.5, 1, 2};
      parameters =
          new BeamParameters(
              beams,
              1 + random.nextInt(beams),
              penalties[random.nextInt(penalties.length)],
              STOPPINGS.get(random.nextInt(STOPPINGS.size())));
      int period = 5 + random.nextInt(40);
      stop = rarely(random) ? (beam, token) -> (beam + 3 * token) % period == 4 : (b, t) -> false;
    }

    /** Whether the definition says what is to be found. */
    boolean compare(long seed, int round) {
      ToyModel model = ToyModel.random(vocabulary, 0.5 + (round % 4) * 0.5, seed * ROUNDS + round);
      var slow =
          new SlowBeamSearch(
              model, sampling, parameters, maxTokens, endOfText, stop, this::choose, prompt);
      Slot[] expected = slow.run();
      TokenSet ends = TokenSet.of(endOfText);

      List<Hypothesis> found =
          model.run(
              ToyModel.search(vocabulary, ends, sampling, parameters, maxTokens, prompt), stop);

      if (slow.choseTheImpossible()) {
        return false;
      }
      String circumstances =
          "seed %d, round %d: %s, %s, at most %d"
              .formatted(seed, round, sampling, parameters, maxTokens);
      assertEquals(expected.length, found.size(), circumstances);
      for (int i = 0; i < expected.length; i++) {
        assertArrayEquals(expected[i].output(), found.get(i).tokens(), circumstances);
        assertEquals(expected[i].score(), found.get(i).score(), 1e-4, circumstances);
      }
      return true;
    }

    private int[] choose(double[] scores, int count, int step) {
      double[] ranks = scores.clone();
      if (!sampling.isGreedy()) {
        for (int i = 0; i < ranks.length; i++) {
          long seed = Sampler.random(Sampler.random(sampling.seed(), step), i / vocabulary);
          ranks[i] += BeamScorer.gumbel(Sampler.random(seed, i % vocabulary));
        }
      }
      Integer[] order = SlowSampler.order(ranks);
      int[] chosen = new int[count];
      for (int i = 0; i < count; i++) {
        chosen[i] = order[i];
      }
      return chosen;
    }

    private static boolean rarely(Random random) {
      return random.nextInt(4) == 0;
    }
  }
}
