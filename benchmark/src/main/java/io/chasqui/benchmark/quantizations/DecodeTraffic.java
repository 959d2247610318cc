package io.chasqui.benchmark.quantizations;

import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.Matrix;
import io.chasqui.model.Decoder;
import io.chasqui.pack.ModelConfig;
import io.chasqui.pack.PackedModel;

/** What generating a token reads from memory, which is what limits its speed. */
final class DecodeTraffic {
  private DecodeTraffic() {}

  /**
   * Bytes that the next token of a sequence reads: all weights, of an embedding that is not the
   * output as well one row only; and the keys and values of all positions before it.
   */
  static double bytes(PackedModel model, KvLayout.Type kvType, double positions) {
    ModelConfig config = model.config();
    double kv =
        config.layers()
            * Decoder.kvLayout(config, kvType).blockBytes()
            * positions
            / KvLayout.BLOCK_POSITIONS;
    return model.weightBytes() - unreadEmbedding(model) + kv;
  }

  private static long unreadEmbedding(PackedModel model) {
    if (model.config().tiedEmbeddings()) {
      return 0;
    }
    Matrix embedding = model.matrix("model.embed_tokens.weight");
    long bytes = embedding.dtype().bytes(embedding.rows(), embedding.columns());
    return bytes - bytes / embedding.paddedRows();
  }
}
