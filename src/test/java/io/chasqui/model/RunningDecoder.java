package io.chasqui.model;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.PackedModel;
import java.nio.file.Path;
import java.util.Arrays;

/** A decoder on a packed file, with all that it stands on. */
final class RunningDecoder implements AutoCloseable {
  static final int CONTEXT = 128;
  private static final int SEQUENCES = 3;

  private final PackedModel model;
  private final ThreadTeam team;
  private final KvCache cache;
  private final Decoder decoder;

  RunningDecoder(Path file, int threads, KvLayout.Type kvType) {
    model = PackedModel.open(file);
    team = new ThreadTeam(threads);
    int blocks = SEQUENCES * KvLayout.blocks(CONTEXT);
    cache = new KvCache(Decoder.kvLayout(model.config(), kvType), model.config().layers(), blocks);
    decoder = new Decoder(model, Kernels.best(), team, cache, CONTEXT, CONTEXT, CONTEXT);
  }

  Sequence sequence() {
    return new Sequence(cache, CONTEXT);
  }

  void forward(Batch batch) {
    decoder.forward(batch);
  }

  float[] row(int row) {
    float[] logits = new float[model.config().vocabulary()];
    decoder.copyLogits(row, logits);
    return logits;
  }

  /**
   * The logits after each of the tokens.
   *
   * @param steps lengths of the steps, begun again when they are used up
   */
  float[][] logits(int[] tokens, int... steps) {
    float[][] rows = new float[tokens.length][];
    try (Sequence sequence = sequence()) {
      int from = 0;
      for (int step = 0; from < tokens.length; step++) {
        int to = Math.min(from + steps[step % steps.length], tokens.length);
        Batch batch = new Batch();
        batch.add(sequence, Arrays.copyOfRange(tokens, from, to), to - from);
        decoder.forward(batch);
        for (int i = from; i < to; i++) {
          rows[i] = row(i - from);
        }
        from = to;
      }
    }
    return rows;
  }

  @Override
  public void close() {
    decoder.close();
    cache.close();
    team.close();
    model.close();
  }
}
