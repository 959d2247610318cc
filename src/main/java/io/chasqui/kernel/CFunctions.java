package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The C library ({@code src/main/c/chasqui.h}), whichever way it is called: its functions have
 * their names without the prefix {@code chasqui_}, and segments where C has pointers. Nothing is
 * checked here: {@link CheckedKernels} has done that. {@link Kernels} documents the operations.
 *
 * <p>{@code isa} is an index into the instruction sets that the library was compiled for, the
 * fastest first; only those may be used that {@link #isaSupported} allows.
 */
public interface CFunctions {
  /** {@code CHASQUI_ABI} of the header that this interface was written for. */
  int ABI = 2;

  int abi();

  int isaCount();

  String isaName(int isa);

  boolean isaSupported(int isa);

  void quantize(int isa, MemorySegment x, int m, int columns, MemorySegment q8);

  void matmul(
      int isa,
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo);

  void gateUp(
      int isa,
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo);

  void rmsNorm(
      int isa, MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out);

  void add(int isa, MemorySegment x, MemorySegment y, int n);

  void scale(int isa, MemorySegment x, float factor, int n);

  void rope(
      int isa,
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table);

  void embed(int isa, Matrix w, MemorySegment ids, int m, MemorySegment out);

  void storeKv(
      int isa,
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m);

  void attention(
      int isa,
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

  int argmax(int isa, MemorySegment logits, int n);

  void topK(int isa, MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values);
}
