package io.chasqui.sampling;

/**
 * Finds the best continuations of a beam in a row of logits, or draws some. Holds scratch memory of
 * the size of the vocabulary, nothing of a search: one scorer serves one thread, whatever searches
 * that has.
 *
 * <p>Continuations are drawn by their rank, the sum of their score and of a random number with the
 * standard Gumbel distribution: in the order of these ranks, they are draws without replacement
 * from the softmax of the scores (Vieira: "Gumbel-max trick and weighted reservoir sampling", 2014;
 * Kool, van Hoof, Welling: "Stochastic Beams and Where to Find Them", 2019). So no two of them need
 * to be looked at together, and each random number is a pure function of the seed, of the index of
 * the token in the output, of the beam and of the token. {@link StrictMath} gives it, the same bits
 * on every machine.
 */
public final class BeamScorer {
  /** No Gumbel number from 52 random bits is larger. */
  private static final double MAX_NOISE = 37;

  private final Sampler sampler;
  private final float[] scores;
  private final BlockMaxima maxima;

  /**
   * Makes a scorer for the rows that a sampler takes.
   *
   * @param sampler of the same thread; its scratch memory is used
   */
  public BeamScorer(Sampler sampler) {
    this.sampler = sampler;
    scores = new float[sampler.vocabularySize()];
    maxima = new BlockMaxima(scores.length);
  }

  TokenSet endOfText() {
    return sampler.endOfText();
  }

  /**
   * Offers what may follow a beam.
   *
   * @param logits {@code [vocabulary]}; left as it is
   * @param parameters how to score, and whether to draw
   * @param atLeast that many tokens are never dropped before drawing: Hugging Face's {@code
   *     min_tokens_to_keep}
   * @param to keeps the best
   * @throws IllegalArgumentException if the row has another length than the vocabulary
   */
  void offer(
      float[] logits, SamplingParameters parameters, Beam beam, int atLeast, Continuations to) {
    sampler.requireRow(logits);
    maxima.read(logits);
    float max = maxima.max();
    var row = new Row(logits, max, TokenLogprobs.logSum(logits, max), beam, to);
    for (int i = 0; i < scores.length; i++) {
      scores[i] = row.logprob(i);
    }
    ScoreChanges.apply(
        scores, parameters, beam.history(), beam.output().length(), sampler.endOfText());
    maxima.read(scores);
    if (maxima.max() == Float.NEGATIVE_INFINITY) {
      return; // nothing is possible
    }
    if (parameters.isGreedy()) {
      offerBest(row);
    } else {
      offerDrawn(row, parameters, atLeast);
    }
  }

  private void offerBest(Row row) {
    double running = row.beam.score();
    for (int block = 0; block < maxima.blocks(); block++) {
      if (running + maxima.of(block) >= row.to.bound()) {
        int to = endOf(block);
        for (int i = block * BlockMaxima.BLOCK; i < to; i++) {
          double score = running + scores[i];
          if (score >= row.to.bound()) {
            row.offer(score, score, i);
          }
        }
      }
    }
  }

  private void offerDrawn(Row row, SamplingParameters parameters, int atLeast) {
    // Bounded, so that a score stays finite even for the smallest temperature.
    double temperature = Math.max(parameters.temperature(), 0x1p-900);
    Beam beam = row.beam;
    long seed = Sampler.random(parameters.seed(), beam.output().length());
    long rowSeed = Sampler.random(seed, beam.index());
    if (!parameters.truncates(scores.length)) {
      offerAllDrawn(row, temperature, rowSeed);
      return;
    }
    Candidates allowed = sampler.allowed(scores, parameters, atLeast);
    if (allowed.size() >= atLeast) {
      for (int i = 0; i < allowed.size(); i++) {
        offerDrawn(row, allowed.get(i), temperature, rowSeed);
      }
    } else {
      var best = new Continuations(atLeast);
      offerBest(row.to(best));
      for (int i = 0; i < best.size(); i++) {
        offerDrawn(row, best.get(i).token(), temperature, rowSeed);
      }
    }
  }

  private void offerAllDrawn(Row row, double temperature, long rowSeed) {
    double running = row.beam.score();
    for (int block = 0; block < maxima.blocks(); block++) {
      double largest = running + maxima.of(block) / temperature;
      if (largest + MAX_NOISE >= row.to.bound()) {
        int to = endOf(block);
        for (int i = block * BlockMaxima.BLOCK; i < to; i++) {
          offerDrawn(row, i, temperature, rowSeed);
        }
      }
    }
  }

  private void offerDrawn(Row row, int token, double temperature, long rowSeed) {
    double score = row.beam.score() + scores[token] / temperature;
    long random = Sampler.random(rowSeed, token);
    if (score > Double.NEGATIVE_INFINITY && mayReach(row.to.bound() - score, random)) {
      row.offer(score + gumbel(random), score, token);
    }
  }

  private int endOf(int block) {
    return Math.min((block + 1) * BlockMaxima.BLOCK, scores.length);
  }

  /**
   * Whether a Gumbel number may be as large as a distance: false for most that are not, at a small
   * part of the price. With u the random share of one, it is only if u ≤ −ln(1 − u) ≤ e^−distance.
   */
  private static boolean mayReach(double distance, long random) {
    // Both sides in units of 2⁻⁴². The weight's own rounding is less than the two that are added.
    return !(distance > 0)
        || (random >>> 22) <= Weights.of(Weights.key(distance * Weights.scale(1))) + 2;
  }

  /** A number with the standard Gumbel distribution, from {@linkplain Sampler#random bits}. */
  static double gumbel(long random) {
    double share = ((random >>> 12) + 0.5) * 0x1p-52;
    return -StrictMath.log(-StrictMath.log1p(-share));
  }

  /** What is known of the row that is looked at. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Row(float[] logits, float max, double logSum, Beam beam, Continuations to) {

    Row to(Continuations other) {
      return new Row(logits, max, logSum, beam, other);
    }

    float logprob(int token) {
      return TokenLogprobs.logprob(logits[token], max, logSum);
    }

    void offer(double rank, double score, int token) {
      to.offer(new Continuation(rank, score, beam.index(), token, logprob(token)));
    }
  }
}
