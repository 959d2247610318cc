package io.chasqui.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.chasqui.sampling.BeamSearch.StopCondition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Logits for every sequence of tokens, made up or written down, without a model. */
@FunctionalInterface
interface ToyModel {
  /** What follows a prompt and the output after it: {@code [vocabulary]}. */
  float[] logits(int[] tokens);

  /** Any logits, other ones after every sequence, but always the same after the same. */
  static ToyModel random(int vocabulary, double spread, long seed) {
    return tokens -> {
      var random = new Random(seed * 31 + Arrays.hashCode(tokens));
      random.nextLong();
      float[] logits = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        logits[i] = (float) (spread * random.nextGaussian());
      }
      return logits;
    };
  }

  /** Probabilities by what the sequence is so far; where nothing is written, all are equal. */
  static ToyModel table(int vocabulary, Map<List<Integer>, double[]> rows) {
    double[] equal = new double[vocabulary];
    Arrays.fill(equal, 1.0 / vocabulary);
    return tokens -> {
      double[] row = rows.getOrDefault(Arrays.stream(tokens).boxed().toList(), equal);
      float[] logits = new float[vocabulary];
      for (int i = 0; i < vocabulary; i++) {
        logits[i] = (float) Math.log(row[i]);
      }
      return logits;
    };
  }

  /** A search with no prompt, or with one, whose scorer is its own. */
  static BeamSearch search(
      int vocabulary,
      TokenSet endOfText,
      SamplingParameters sampling,
      BeamParameters parameters,
      int maxTokens,
      int... prompt) {
    var scorer = new BeamScorer(new Sampler(vocabulary, endOfText));
    return new BeamSearch(scorer, sampling, parameters, maxTokens, 0, prompt);
  }

  /** Runs a search to its end, following its sequences by parents and tokens, as a cache does. */
  default List<Hypothesis> run(BeamSearch search, StopCondition stop) {
    List<int[]> sequences = List.of(search.history(0).range(0, search.history(0).length()));
    while (!search.isDone()) {
      for (int beam = 0; beam < search.beams(); beam++) {
        search.read(beam, logits(sequences.get(beam)));
      }
      search.next(stop);
      var next = new ArrayList<int[]>();
      for (int beam = 0; beam < search.beams(); beam++) {
        int[] before = sequences.get(search.parent(beam));
        int[] after = Arrays.copyOf(before, before.length + 1);
        after[before.length] = search.token(beam);
        assertEquals(after.length, search.history(beam).length());
        assertArrayEquals(after, search.history(beam).range(0, after.length));
        next.add(after);
      }
      sequences = next;
    }
    return search.hypotheses();
  }

  default List<Hypothesis> run(BeamSearch search) {
    return run(search, (beam, token) -> false);
  }
}
