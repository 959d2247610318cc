package io.chasqui.benchmark.quality;

/**
 * What a model thinks of the next token: ln p of each. Computed in double precision by {@link
 * StrictMath}, so that every machine comes to the same bits.
 */
final class LogProbabilities {
  private final double[] values;
  private final int best;

  private LogProbabilities(double[] values, int best) {
    this.values = values;
    this.best = best;
  }

  /**
   * The logarithms of softmax.
   *
   * @param logits {@code [vocabulary]}
   */
  static LogProbabilities of(float[] logits) {
    int best = 0;
    for (int i = 1; i < logits.length; i++) {
      best = logits[i] > logits[best] ? i : best;
    }
    double sum = 0;
    for (float logit : logits) {
      sum += StrictMath.exp((double) logit - logits[best]);
    }
    double normalizer = logits[best] + StrictMath.log(sum);
    double[] values = new double[logits.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = logits[i] - normalizer;
    }
    return new LogProbabilities(values, best);
  }

  double of(int token) {
    return values[token];
  }

  /** The most likely token; of several the first. */
  int best() {
    return best;
  }

  /** Kullback and Leibler's divergence of another distribution from this one, in nats. */
  double divergence(LogProbabilities other) {
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += StrictMath.exp(values[i]) * (values[i] - other.values[i]);
    }
    return sum;
  }
}
