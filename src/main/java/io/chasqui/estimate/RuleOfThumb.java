package io.chasqui.estimate;

import io.chasqui.kernel.KvLayout;

/**
 * The memory of a model of any shape in any program, to within what programs differ by:
 *
 * <ul>
 *   <li>weights: parameters × bytes of the precision
 *   <li>keys and values: 2 × layers × KV heads × head size × positions × bytes of each, where a
 *       model generates
 *   <li>activations: one byte × (hidden + intermediate) × layers × positions
 *   <li>training with AdamW (Loshchilov and Hutter: "Decoupled Weight Decay Regularization", 2019):
 *       a gradient and two moments for each weight, in the weights' precision
 *   <li>CUDA's context on a GPU: 1.3 GB
 * </ul>
 */
public final class RuleOfThumb {
  private static final long CUDA_CONTEXT_BYTES = 1_300_000_000;
  private static final int MOMENTS = 2;

  private RuleOfThumb() {}

  /**
   * Estimates.
   *
   * @throws IllegalArgumentException if a part is too large to be told
   */
  public static MemoryEstimate estimate(ModelShape shape, Workload workload) {
    try {
      long weights = workload.precision().bytes(shape.parameters());
      boolean training = workload.training();
      return new MemoryEstimate(
          workload,
          weights,
          training ? 0 : kvBytes(shape, workload),
          activationBytes(shape, workload),
          training ? weights : 0,
          training ? MOMENTS * weights : 0,
          workload.device() == Device.GPU ? CUDA_CONTEXT_BYTES : 0);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "so many positions of so large a model take more bytes than can be counted", e);
    }
  }

  /** Keys and values in whole blocks of positions. */
  public static long kvBytes(ModelShape shape, Workload workload) {
    var layout = new KvLayout(workload.kv(), shape.kvHeads(), shape.headDim());
    long blocks = (long) workload.batch() * KvLayout.blocks(workload.context());
    return Math.multiplyExact(Math.multiplyExact(blocks, shape.layers()), layout.blockBytes());
  }

  private static long activationBytes(ModelShape shape, Workload workload) {
    long positions = (long) workload.batch() * workload.context();
    long width = (long) shape.hidden() + shape.intermediate();
    return Math.multiplyExact(Math.multiplyExact(width, shape.layers()), positions);
  }
}
