package io.chasqui.engine;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Batch;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.model.KvBlocks;
import io.chasqui.model.KvCache;
import io.chasqui.model.ThreadTeam;
import io.chasqui.pack.PackedModel;

/** Our own forward pass, on a packed model. */
final class PackedDecoder implements TokenDecoder {
  private final PackedModel model;
  private final int context;
  private final Kernels kernels;
  private final ThreadTeam team;
  private final KvCache cache;
  private final KvBlocks blocks;
  private final Decoder decoder;

  /**
   * Prepares a decoder with KV memory for one sequence.
   *
   * @param model closed together with this
   * @param kv how the model's keys and values are stored
   * @param context the most positions of a sequence
   */
  PackedDecoder(PackedModel model, KvLayout kv, int context) {
    this.model = model;
    this.context = context;
    kernels = Kernels.best(); // before there is a thread or memory to give back
    team = new ThreadTeam(CpuLimit.processors());
    cache = new KvCache(kv, model.config().layers(), KvLayout.blocks(context));
    blocks = new KvBlocks(cache);
    decoder =
        new Decoder(
            model, kernels, team, cache, context, SequentialEngine.PREFILL_CHUNK, maxOutputs());
  }

  @Override
  public String kernels() {
    return kernels.name();
  }

  @Override
  public int maxOutputs() {
    return 1 + PromptLookup.MAX_DRAFT;
  }

  @Override
  public TokenDecoder.Sequence newSequence() {
    var positions = new io.chasqui.model.Sequence(blocks, context);
    return new TokenDecoder.Sequence() {
      private int firstRow;

      @Override
      public void forward(int[] tokens, int outputs) {
        positions.reserve(tokens.length);
        Batch batch = new Batch();
        firstRow = batch.add(positions, tokens, outputs);
        decoder.forward(batch);
      }

      @Override
      public void logits(int output, float[] into) {
        decoder.copyLogits(firstRow + output, into);
      }

      @Override
      public void truncate(int length) {
        positions.truncate(length);
      }

      @Override
      public void close() {
        positions.close();
      }
    };
  }

  @Override
  public void close() {
    decoder.close();
    cache.close();
    team.close();
    model.close();
  }
}
