package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Computes what is packed with a model of the tokens that its prompts begin with. */
public final class PrefixComputer {
  private static final int STEP_TOKENS = 128;

  private PrefixComputer() {}

  /**
   * Computes a prefix.
   *
   * @param tokens ids within the vocabulary, a multiple of 16 and at most {@link
   *     Decoder#maxContext} of them
   * @param memory where the blocks will be
   */
  public static PackedPrefix compute(
      PackedModel model,
      Kernels kernels,
      ThreadTeam team,
      int[] tokens,
      KvLayout.Type type,
      NativeMemory memory) {
    KvLayout layout = model.config().kvLayout(type);
    int layers = model.config().layers();
    int count = tokens.length / BLOCK_POSITIONS;
    try (KvCache cache = new KvCache(layout, layers, count);
        Decoder decoder = new Decoder(model, kernels, team, cache, tokens.length, STEP_TOKENS, 1);
        Sequence sequence = new Sequence(new KvBlocks(cache), tokens.length)) {
      for (int from = 0; from < tokens.length; from += STEP_TOKENS) {
        int to = Math.min(from + STEP_TOKENS, tokens.length);
        sequence.reserve(to - from);
        Batch batch = new Batch();
        batch.add(sequence, Arrays.copyOfRange(tokens, from, to), 0);
        decoder.forward(batch);
      }
      int[] table = new int[count];
      sequence.copyBlocks(MemorySegment.ofArray(table));
      long bytes = layers * layout.blockBytes();
      MemorySegment blocks = memory.allocate(count * bytes);
      for (int i = 0; i < count; i++) {
        cache.saveBlock(table[i], blocks.asSlice(i * bytes, bytes));
      }
      return new PackedPrefix(tokens, type, blocks.asReadOnly());
    }
  }
}
