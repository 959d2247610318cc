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

  private final int context;
  private final PackedModel model;
  private final ThreadTeam team;
  private final KvCache cache;
  private final KvBlocks blocks;
  private final Decoder decoder;

  /**
   * Has room for {@value #SEQUENCES} sequences of {@value #CONTEXT} positions, each in one step.
   */
  RunningDecoder(Path file, int threads, KvLayout.Type kvType) {
    this(file, threads, kvType, CONTEXT, CONTEXT, SEQUENCES);
  }

  /**
   * Opens the file.
   *
   * @param context the most positions of a sequence
   * @param maxTokens the most tokens, and rows of logits, of a step
   * @param sequences how many of that context the KV blocks suffice for
   */
  RunningDecoder(
      Path file, int threads, KvLayout.Type kvType, int context, int maxTokens, int sequences) {
    this.context = context;
    model = PackedModel.open(file);
    team = new ThreadTeam(threads);
    cache =
        new KvCache(
            Decoder.kvLayout(model.config(), kvType),
            model.config().layers(),
            sequences * KvLayout.blocks(context));
    blocks =
        new KvBlocks(
            cache, model.prefixes().stream().filter(prefix -> prefix.type() == kvType).toList());
    decoder = new Decoder(model, Kernels.best(), team, cache, context, maxTokens, maxTokens);
  }

  PackedModel model() {
    return model;
  }

  Decoder decoder() {
    return decoder;
  }

  Sequence sequence() {
    return new Sequence(blocks, context);
  }

  KvBlocks blocks() {
    return blocks;
  }

  /** Computes a batch for whose sequences there are enough blocks. */
  void forward(Batch batch) {
    batch.spans().forEach(span -> span.sequence().reserve(span.tokens().length));
    forwardReserved(batch);
  }

  void forwardReserved(Batch batch) {
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
        forward(batch);
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
