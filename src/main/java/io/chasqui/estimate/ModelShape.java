package io.chasqui.estimate;

import io.chasqui.kernel.KvLayout;

/**
 * What the memory of a decoder depends on, whatever its family; names are those of Hugging Face's
 * {@code config.json}.
 *
 * @param parameters numbers that the model has learned
 * @param layers decoder layers
 * @param hidden width of the residual stream
 * @param intermediate width inside the feed-forward network
 * @param kvHeads key-value heads
 * @param headDim width of a head, a multiple of 16 up to {@value KvLayout#MAX_HEAD_SIZE}
 */
public record ModelShape(
    long parameters, int layers, int hidden, int intermediate, int kvHeads, int headDim) {
  private static final long MOST_PARAMETERS = 100_000_000_000_000L;
  private static final int MOST_LAYERS = 1024;
  private static final int WIDEST = 1 << 20;

  /**
   * @throws IllegalArgumentException if a number is out of range
   */
  public ModelShape {
    check("parameters", parameters, MOST_PARAMETERS);
    check("layers", layers, MOST_LAYERS);
    check("hidden", hidden, WIDEST);
    check("intermediate", intermediate, WIDEST);
    check("kv_heads", kvHeads, WIDEST);
    if (headDim < 1 || headDim > KvLayout.MAX_HEAD_SIZE || headDim % 16 != 0) {
      throw new IllegalArgumentException(
          "head_dim must be a multiple of 16 up to %d, not %d"
              .formatted(KvLayout.MAX_HEAD_SIZE, headDim));
    }
  }

  private static void check(String what, long value, long most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          "%s must be from 1 to %d, not %d".formatted(what, most, value));
    }
  }
}
