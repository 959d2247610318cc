package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;

/**
 * Kernels on the JDK's Vector API, for platforms that have no native ones. What is not worth
 * vectors is left to {@link ScalarKernels}.
 *
 * <p>This class itself names no type of the API, an incubator module that a JVM has only if it is
 * told so; the classes that do are loaded with the first operation.
 */
public final class VectorKernels extends CheckedKernels {
  static final String MODULE = "jdk.incubator.vector";

  private final ScalarKernels scalar = new ScalarKernels();

  private VectorKernels() {}

  /**
   * The kernels, if they can run.
   *
   * @throws IllegalStateException if this JVM was started without the module of the Vector API
   */
  public static VectorKernels load() {
    return load(ModuleLayer.boot());
  }

  static VectorKernels load(ModuleLayer modules) {
    if (modules.findModule(MODULE).isEmpty()) {
      throw new IllegalStateException("this JVM runs without the module " + MODULE);
    }
    return new VectorKernels();
  }

  @Override
  public String name() {
    return "vector";
  }

  @Override
  void doQuantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    VectorElementwise.quantize(x, m, columns, q8);
  }

  @Override
  void doMatmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    VectorProducts.matmul(w, x, m, out, outStride, groupFrom, groupTo);
  }

  @Override
  void doGateUp(
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    VectorProducts.gateUp(gate, up, x, m, out, outStride, groupFrom, groupTo);
  }

  @Override
  void doRmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    VectorElementwise.rmsNorm(x, weight, eps, m, n, out);
  }

  @Override
  void doAdd(MemorySegment x, MemorySegment y, int n) {
    VectorElementwise.add(x, y, n);
  }

  @Override
  void doScale(MemorySegment x, float factor, int n) {
    VectorElementwise.scale(x, factor, n);
  }

  @Override
  void doRope(
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table) {
    VectorElementwise.rope(x, stride, m, heads, headSize, positions, table);
  }

  @Override
  void doEmbed(Matrix w, MemorySegment ids, int m, MemorySegment out) {
    scalar.doEmbed(w, ids, m, out);
  }

  @Override
  void doStoreKv(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m) {
    scalar.doStoreKv(kv, cache, blocks, firstPosition, k, v, stride, m);
  }

  @Override
  void doAttention(
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
      int kvHeadTo) {
    VectorAttention attention = new VectorAttention(kv, cache, blocks, scale);
    int group = heads / kv.kvHeads();
    for (int kvHead = kvHeadFrom; kvHead < kvHeadTo; kvHead++) {
      attention.attend(kvHead, group, firstPosition, q, qStride, m, out, outStride);
    }
  }

  @Override
  int doArgmax(MemorySegment logits, int n) {
    return VectorElementwise.argmax(logits, n);
  }

  @Override
  void doTopK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    scalar.doTopK(logits, n, k, ids, values);
  }
}
