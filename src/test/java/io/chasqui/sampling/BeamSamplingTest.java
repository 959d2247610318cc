package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is drawn by chance, and how often. */
class BeamSamplingTest {
  private static final int END = 0;
  private static final int SEARCHES = 20_000;

  @ParameterizedTest
  @CsvSource({
    // beams, vocabulary, most tokens, temperature
    "1, 5, 1, 1.0",
    "2, 5, 1, 0.5",
    "1, 4, 3, 1.3",
    "2, 4, 2, 0.7",
  })
  void whatIsFoundIsAsFrequentAsItIsLikely(
      int beams, int vocabulary, int maxTokens, double temperature) {
    ToyModel model = ToyModel.random(vocabulary, 1, 11);
    var parameters = new BeamParameters(beams, beams, 1, EarlyStopping.HEURISTIC);
    var sampling = SamplingParameters.builder().temperature(temperature);
    Map<String, Double> likely = likely(model, sampling.build(), parameters, maxTokens);
    var scorer = new BeamScorer(new Sampler(vocabulary, TokenSet.of(END)));

    Map<String, Integer> counts = new HashMap<>();
    for (int seed = 0; seed < SEARCHES; seed++) {
      var search = new BeamSearch(scorer, sampling.seed(seed).build(), parameters, maxTokens, 0);
      counts.merge(text(model.run(search).stream().map(Hypothesis::tokens)), 1, Integer::sum);
    }

    assertTrue(likely.keySet().containsAll(counts.keySet()), () -> likely + " " + counts);
    double chiSquare = 0;
    int cells = 0;
    double rare = 0;
    int rareCount = 0;
    for (var each : likely.entrySet()) {
      double expected = SEARCHES * each.getValue();
      int count = counts.getOrDefault(each.getKey(), 0);
      if (expected >= 10) {
        chiSquare += (count - expected) * (count - expected) / expected;
        cells++;
      } else {
        rare += expected;
        rareCount += count;
      }
    }
    assertTrue(cells > 1);
    // Its mean is the number of cells, its variance twice that; seeds are fixed, chance is not.
    assertTrue(chiSquare < cells + 4 * Math.sqrt(2 * cells), chiSquare + " of " + cells);
    assertEquals(rare, rareCount, 4 * Math.sqrt(rare) + 1);
  }

  @Test
  void theSameSeedFindsTheSameAndAnotherSomethingElse() {
    ToyModel model = ToyModel.random(50, 1, 1);
    var parameters = new BeamParameters(4, 4, 1, EarlyStopping.HEURISTIC);
    var texts = new ArrayList<String>();
    for (long seed : new long[] {1, 1, 2}) {
      var sampling = SamplingParameters.builder().temperature(1).seed(seed).build();
      var search = ToyModel.search(50, TokenSet.of(END), sampling, parameters, 8);
      texts.add(text(model.run(search).stream().map(Hypothesis::tokens)));
    }

    assertEquals(texts.get(0), texts.get(1));
    assertNotEquals(texts.get(0), texts.get(2));
  }

  @Test
  void theSmallestTemperatureSearches() {
    ToyModel model = ToyModel.random(20, 1, 4);
    var parameters = new BeamParameters(3, 3, 1, EarlyStopping.HEURISTIC);
    var coldest = SamplingParameters.builder().temperature(Double.MIN_VALUE).build();
    var greedy = ToyModel.search(20, TokenSet.of(END), SamplingParameters.GREEDY, parameters, 6);

    var cold = ToyModel.search(20, TokenSet.of(END), coldest, parameters, 6);

    assertEquals(
        text(model.run(greedy).stream().map(Hypothesis::tokens)),
        text(model.run(cold).stream().map(Hypothesis::tokens)));
  }

  @Test
  void enoughTokensAreLeftForTheBeamsWhateverDropsTokens() {
    // Two tokens end a text: three must be left, or no beam might be.
    float[] logits = {9, 8, 3, 2, 1, 0};
    ToyModel model = tokens -> logits;
    var parameters = new BeamParameters(3, 3, 1, EarlyStopping.HEURISTIC);
    for (var each :
        List.of(
            SamplingParameters.builder().topK(1),
            SamplingParameters.builder().topP(0.1),
            SamplingParameters.builder().minP(1),
            SamplingParameters.builder().typicalP(0.1))) {
      for (int seed = 0; seed < 50; seed++) {
        var sampling = each.temperature(0.2).seed(seed).build();
        var search = ToyModel.search(6, TokenSet.of(0, 1), sampling, parameters, 5);
        search.read(0, logits);
        search.next();

        assertEquals(1, search.beams());
        assertEquals(2, search.token(0));
        assertEquals(3, model.run(search).size());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whatIsNotLookedAtCloselyWouldNotHaveBeenDrawn(long seed) {
    var random = new Random(seed);
    for (int round = 0; round < 100; round++) {
      int vocabulary = 1 + random.nextInt(3_000);
      float[] logits = new float[vocabulary];
      double spread = 5 * random.nextDouble();
      for (int i = 0; i < vocabulary; i++) {
        logits[i] = (float) (spread * random.nextGaussian());
      }
      double temperature = random.nextInt(5) == 0 ? 0.01 : 2 * random.nextDouble();
      var sampling =
          SamplingParameters.builder().temperature(temperature).seed(random.nextLong()).build();
      var beam = new Beam(3, 0, -7.5, new TokenHistory(), Output.EMPTY);
      int count = 1 + random.nextInt(20);
      var drawn = new Continuations(count);
      new BeamScorer(new Sampler(vocabulary, TokenSet.EMPTY))
          .offer(logits, sampling, beam, 2, drawn);

      long rowSeed = Sampler.random(Sampler.random(sampling.seed(), 0), 3);
      double[] ranks = new double[vocabulary];
      float max = logits[TokenLogprobs.of(logits, 0, 1).topIds()[0]];
      double logSum = TokenLogprobs.logSum(logits, max);
      for (int i = 0; i < vocabulary; i++) {
        ranks[i] = beam.score() + TokenLogprobs.logprob(logits[i], max, logSum) / temperature;
        ranks[i] += BeamScorer.gumbel(Sampler.random(rowSeed, i));
      }
      Integer[] order = SlowSampler.order(ranks);
      int[] expected = IntStream.range(0, Math.min(count, vocabulary)).map(i -> order[i]).toArray();
      int[] actual = IntStream.range(0, drawn.size()).map(i -> drawn.get(i).token()).toArray();
      assertArrayEquals(expected, actual, "seed " + seed + ", round " + round);
    }
  }

  @Test
  void gumbelNumbersAreFiniteForAllBits() {
    assertEquals(36.7, BeamScorer.gumbel(0), 0.1);
    assertEquals(-3.6, BeamScorer.gumbel(-1), 0.1);
    assertEquals(-Math.log(Math.log(2)), BeamScorer.gumbel(1L << 63), 1e-12);
  }

  /** The probability of each result: every order of draws in every step is tried. */
  private static Map<String, Double> likely(
      ToyModel model, SamplingParameters sampling, BeamParameters parameters, int maxTokens) {
    Map<String, Double> likely = new HashMap<>();
    var draws = new AllDraws();
    do {
      var search =
          new SlowBeamSearch(
              model, sampling, parameters, maxTokens, new int[] {END}, (b, t) -> false, draws);
      String found = text(Arrays.stream(search.run()).map(SlowBeamSearch.Slot::output));
      likely.merge(found, draws.probability, Double::sum);
    } while (draws.advance());
    double sum = likely.values().stream().mapToDouble(each -> each).sum();
    assertEquals(1, sum, 1e-9);
    return likely;
  }

  private static String text(Stream<int[]> sequences) {
    return String.join(", ", sequences.map(Arrays::toString).toList());
  }

  /** Draws without replacement, another way in every search, until there is no other. */
  private static final class AllDraws implements SlowBeamSearch.Choice {
    /** Which of the items that are left each draw takes, and of how many. */
    private final List<int[]> script = new ArrayList<>();

    private int at;
    double probability = 1;

    @Override
    public int[] of(double[] scores, int count, int step) {
      double[] shares = SlowSampler.softmax(scores);
      List<Integer> left = new ArrayList<>();
      for (int i = 0; i < shares.length; i++) {
        if (shares[i] > 0) {
          left.add(i);
        }
      }
      int[] drawn = new int[count];
      for (int i = 0; i < count; i++) {
        if (at == script.size()) {
          script.add(new int[] {0, left.size()});
        }
        double rest = left.stream().mapToDouble(each -> shares[each]).sum();
        int taken = script.get(at++)[0];
        drawn[i] = left.get(taken);
        left.subList(taken, taken + 1).clear();
        probability *= shares[drawn[i]] / rest;
      }
      return drawn;
    }

    /** Goes on to the next way, as an odometer does. */
    boolean advance() {
      at = 0;
      probability = 1;
      while (!script.isEmpty()) {
        int[] last = script.getLast();
        if (++last[0] < last[1]) {
          return true;
        }
        script.removeLast();
      }
      return false;
    }
  }
}
