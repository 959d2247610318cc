package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.stream.IntStream;

/**
 * C kernels for one instruction set. {@link CheckedKernels} has checked every segment before its
 * address goes to C.
 */
public final class NativeKernels extends CheckedKernels {
  /** The name of the kernels in plain C, which run on every processor. */
  static final String PORTABLE = "portable";

  private final CFunctions c;
  private final int isa;
  private final String name;

  private NativeKernels(CFunctions c, int isa) {
    this.c = c;
    this.isa = isa;
    name = c.isaName(isa);
  }

  /**
   * One set of kernels for each instruction set that this processor has, the fastest first; empty
   * if the build had no C compiler for this platform.
   *
   * @throws java.io.UncheckedIOException if the library cannot be unpacked
   * @throws IllegalArgumentException if the system's loader refuses the library
   * @throws IllegalStateException if the library belongs to another version of this program
   */
  public static List<NativeKernels> load() {
    if (NativeExecutable.IS) {
      return of(NativeExecutable.FUNCTIONS);
    }
    return ForeignFunctions.load().map(NativeKernels::of).orElse(List.of());
  }

  private static List<NativeKernels> of(CFunctions c) {
    if (c.abi() != CFunctions.ABI) {
      throw new IllegalStateException(
          "libchasqui has interface %d but this program needs %d: build both together"
              .formatted(c.abi(), CFunctions.ABI));
    }
    return IntStream.range(0, c.isaCount())
        .filter(c::isaSupported)
        .mapToObj(isa -> new NativeKernels(c, isa))
        .toList();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  void doQuantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    c.quantize(isa, x, m, columns, q8);
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
    c.matmul(isa, w, x, m, out, outStride, groupFrom, groupTo);
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
    c.gateUp(isa, gate, up, x, m, out, outStride, groupFrom, groupTo);
  }

  @Override
  void doRmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    c.rmsNorm(isa, x, weight, eps, m, n, out);
  }

  @Override
  void doAdd(MemorySegment x, MemorySegment y, int n) {
    c.add(isa, x, y, n);
  }

  @Override
  void doScale(MemorySegment x, float factor, int n) {
    c.scale(isa, x, factor, n);
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
    c.rope(isa, x, stride, m, heads, headSize, positions, table);
  }

  @Override
  void doEmbed(Matrix w, MemorySegment ids, int m, MemorySegment out) {
    c.embed(isa, w, ids, m, out);
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
    c.storeKv(isa, kv, cache, blocks, firstPosition, k, v, stride, m);
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
    c.attention(
        isa,
        kv,
        cache,
        blocks,
        firstPosition,
        q,
        qStride,
        m,
        heads,
        scale,
        out,
        outStride,
        kvHeadFrom,
        kvHeadTo);
  }

  @Override
  int doArgmax(MemorySegment logits, int n) {
    return c.argmax(isa, logits, n);
  }

  @Override
  void doTopK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    c.topK(isa, logits, n, k, ids, values);
  }
}
