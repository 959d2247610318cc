package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * C kernels for one instruction set, called through the foreign function API. {@link
 * CheckedKernels} has checked every segment before its address goes to C.
 */
public final class NativeKernels extends CheckedKernels {
  /** The name of the kernels in plain C, which run on every processor. */
  static final String PORTABLE = "portable";

  private final NativeLibrary library;
  private final int isa;
  private final String name;

  private NativeKernels(NativeLibrary library, NativeLibrary.Isa isa) {
    this.library = library;
    this.isa = isa.index();
    this.name = isa.name();
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
    Optional<NativeLibrary> library = NativeLibrary.load();
    return library.stream()
        .flatMap(l -> l.isas().stream().filter(NativeLibrary.Isa::supported).map(isa -> of(l, isa)))
        .toList();
  }

  private static NativeKernels of(NativeLibrary library, NativeLibrary.Isa isa) {
    return new NativeKernels(library, isa);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  void doQuantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    try {
      library.quantize.invokeExact(isa, x, m, columns, q8);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
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
    try {
      library.matmul.invokeExact(
          isa, w.dtype().code(), w.data(), w.columns(), x, m, out, outStride, groupFrom, groupTo);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
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
    try {
      library.gateUp.invokeExact(
          isa,
          gate.dtype().code(),
          gate.data(),
          up.dtype().code(),
          up.data(),
          gate.columns(),
          x,
          m,
          out,
          outStride,
          groupFrom,
          groupTo);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  @Override
  void doRmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    try {
      library.rmsNorm.invokeExact(isa, x, weight, eps, m, n, out);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  @Override
  void doAdd(MemorySegment x, MemorySegment y, int n) {
    try {
      library.add.invokeExact(isa, x, y, n);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  @Override
  void doScale(MemorySegment x, float factor, int n) {
    try {
      library.scale.invokeExact(isa, x, factor, n);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
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
    try {
      library.rope.invokeExact(isa, x, stride, m, heads, headSize, positions, table);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  @Override
  void doEmbed(Matrix w, MemorySegment ids, int m, MemorySegment out) {
    try {
      library.embed.invokeExact(isa, w.dtype().code(), w.data(), w.columns(), ids, m, out);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
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
    try {
      library.storeKv.invokeExact(
          isa,
          kv.type().code(),
          kv.kvHeads(),
          kv.headSize(),
          cache,
          blocks,
          firstPosition,
          k,
          v,
          stride,
          m);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
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
    try {
      library.attention.invokeExact(
          isa,
          kv.type().code(),
          kv.kvHeads(),
          kv.headSize(),
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
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  @Override
  int doArgmax(MemorySegment logits, int n) {
    try {
      return (int) library.argmax.invokeExact(isa, logits, n);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  @Override
  void doTopK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    try {
      library.topK.invokeExact(isa, logits, n, k, ids, values);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }
}
