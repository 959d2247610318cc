package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The operations that a decoder is made of. Implementations differ in speed only: {@link
 * ScalarKernels} is the specification and all others give its bits, so the result for a token
 * depends neither on the batch that the token is in nor on how rows are split among threads.
 *
 * <p>Activations are float32, row-major, one row a token, in native memory aligned to 4 bytes.
 * {@code m} is the number of tokens. Segments may be longer than needed; those that are written
 * must not overlap those that are read unless an operation says so. All operations throw {@link
 * IllegalArgumentException} when a segment is too short, read-only but written, misaligned or on
 * the heap, and when a number is out of range. They may be called by several threads at once on
 * different outputs.
 *
 * <p>Whoever implements this elsewhere wraps the kernels of {@link #best}, as a profile does that
 * measures their time.
 */
public interface Kernels {
  /**
   * The fastest kernels that run here, chosen on the first call. The system property {@code
   * chasqui.kernels}, or else the variable {@code CHASQUI_KERNELS}, takes others by their {@link
   * #name}.
   *
   * @throws IllegalArgumentException if the kernels named there do not run here
   */
  static Kernels best() {
    return KernelProvider.best();
  }

  /**
   * The instruction set: {@code avx512-vnni}, {@code neon}, {@code portable}, {@code vector},
   * {@code scalar}.
   */
  String name();

  /**
   * Quantizes activations for the weights that are {@link DType#quantized}: for each block of 32
   * columns scale = max|x| ÷ 127 and quants = x ÷ scale, rounded to nearest with ties to even. A
   * value that is not a number shows in the scale, hence in every product.
   *
   * @param x {@code [m, columns]}
   * @param columns a multiple of 32
   * @param q8 {@code m} {@link QuantizedRows}
   */
  void quantize(MemorySegment x, int m, int columns, MemorySegment q8);

  /**
   * Multiplies tokens with a range of the rows of a matrix: {@code out[t * outStride + row] =
   * w[row] · x[t]} for the rows of the groups from {@code groupFrom} to {@code groupTo}, padding
   * included.
   *
   * @param x {@code [m, w.columns]}: {@link QuantizedRows} if {@code w.dtype} is quantized, floats
   *     if not
   * @param out {@code [m, outStride]}; only the columns of the row range are written
   * @param outStride floats from one token's output to the next, at least {@code w.paddedRows}
   * @param groupFrom first group of 16 rows
   * @param groupTo end of the groups, exclusive
   */
  void matmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo);

  /**
   * The gated half of a feed-forward layer, {@code out = silu(gate · x) × (up · x)}, with silu(g) =
   * g ÷ (1 + e⁻ᵍ). Ranges, strides and the form of {@code x} are those of {@link #matmul}.
   *
   * @param up a matrix of the same shape as {@code gate}, quantized if and only if that is
   */
  void gateUp(
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo);

  /**
   * Root mean square norm (Zhang and Sennrich, 2019): {@code out = x ÷ √(mean(x²) + eps) × weight}.
   *
   * @param x {@code [m, n]}
   * @param weight {@code [n]}
   * @param n a multiple of 16
   * @param out {@code [m, n]}; may be {@code x}
   */
  void rmsNorm(MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out);

  /**
   * Adds {@code y} to {@code x}, as for residuals and biases.
   *
   * @param n floats of both
   */
  void add(MemorySegment x, MemorySegment y, int n);

  /**
   * Multiplies {@code x} in place.
   *
   * @param n floats of {@code x}
   */
  void scale(MemorySegment x, float factor, int n);

  /**
   * Rotary position embedding in place (Su et al., 2021) in Hugging Face's layout: element i of a
   * head turns with element i + headSize ÷ 2.
   *
   * @param x {@code [m, stride]}, of which each row begins with {@code heads} heads
   * @param positions int32 {@code [m]}, each a row of the table
   * @param table {@code [positions, headSize]}: of each position the cosines of the headSize ÷ 2
   *     angles, then their sines
   */
  void rope(
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table);

  /**
   * Copies rows of an embedding matrix as floats.
   *
   * @param ids int32 {@code [m]}, each a row of {@code w}
   * @param out {@code [m, w.columns]}
   */
  void embed(Matrix w, MemorySegment ids, int m, MemorySegment out);

  /**
   * Writes keys and values of consecutive positions of one sequence into its KV blocks.
   *
   * @param cache the blocks of one layer, block {@code b} at {@code b * kv.blockBytes}
   * @param blocks int32: the sequence's blocks in the order of its positions, at least up to the
   *     last position written
   * @param firstPosition position of the first token
   * @param k {@code [m, stride]}, of which each row begins with kvHeads × headSize floats, already
   *     turned by {@link #rope}
   * @param v likewise
   */
  void storeKv(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m);

  /**
   * Causal grouped-query attention for consecutive tokens of one sequence: token {@code t} attends
   * to positions 0 to {@code firstPosition + t}, which {@link #storeKv} has written. One pass with
   * a running maximum (Milakov and Gimelshein, 2018); no matrix of scores is kept.
   *
   * @param cache the blocks of one layer, block {@code b} at {@code b * kv.blockBytes}
   * @param blocks int32: the sequence's blocks in the order of its positions
   * @param firstPosition position of the first token
   * @param q {@code [m, qStride]}, of which each row begins with {@code heads} heads
   * @param heads query heads, a multiple of {@code kv.kvHeads}; those that share a KV head follow
   *     one another
   * @param scale factor of the scores, 1 ÷ √headSize as a rule
   * @param out {@code [m, outStride]}, heads as in {@code q}; only those of the range are written
   * @param kvHeadFrom first KV head whose query heads are computed
   * @param kvHeadTo end of the KV heads, exclusive
   */
  void attention(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment q,
      int qStride,
      int m,
      int heads,
      float scale,
      MemorySegment out,
      int outStride,
      int kvHeadFrom,
      int kvHeadTo);

  /**
   * Index of the largest of {@code n} logits, the first of equals; what is not a number is passed
   * over (0 if nothing else is there).
   */
  int argmax(MemorySegment logits, int n);

  /**
   * The {@code k} largest of {@code n} logits in descending order, equals by ascending id; what is
   * not a number counts as −∞.
   *
   * @param ids int32 {@code [k]}, written
   * @param values {@code [k]}, written
   */
  void topK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values);
}
