package io.chasqui.benchmark.quality;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.Sequence;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;

/** The plainest way to what {@link Scorer} does: a token at a time, softmax by its definition. */
final class PlainDecoder {
  private PlainDecoder() {}

  /** p of every token after each prefix, {@code [tokens, vocabulary]}. */
  static double[][] probabilities(PackedModel model, int... tokens) {
    double[][] rows = new double[tokens.length][];
    var layout = Decoder.kvLayout(model.config(), KvLayout.Type.F16);
    int blocks = KvLayout.blocks(tokens.length);
    try (var team = new ThreadTeam(1);
        var cache = new KvCache(layout, model.config().layers(), blocks);
        var decoder = new Decoder(model, Kernels.best(), team, cache, tokens.length, 1, 1);
        var sequence = new Sequence(new KvBlocks(cache), tokens.length)) {
      for (int i = 0; i < tokens.length; i++) {
        sequence.reserve(1);
        var batch = new Batch();
        batch.add(sequence, new int[] {tokens[i]}, 1);
        decoder.forward(batch);
        float[] logits = new float[model.config().vocabulary()];
        decoder.copyLogits(0, logits);
        rows[i] = softmax(logits);
      }
    }
    return rows;
  }

  private static double[] softmax(float... logits) {
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit);
    }
    double[] row = new double[logits.length];
    for (int i = 0; i < row.length; i++) {
      row[i] = Math.exp(logits[i]) / sum;
    }
    return row;
  }

  static int best(double... row) {
    int best = 0;
    for (int i = 1; i < row.length; i++) {
      best = row[i] > row[best] ? i : best;
    }
    return best;
  }
}
