package io.chasqui.benchmark.profile;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Other kernels, whose time is measured for each operation. Each thread sums up its own, so that
 * none waits for another.
 *
 * <p>What is counted as work: a product's multiply-adds, and the bytes of its weights, read once a
 * call; attention's multiply-adds of scores and of values, and the bytes of keys and values, read
 * once a call too. Activations are not counted: they stay in caches. Other operations have time
 * only.
 */
final class ProfiledKernels implements Kernels {
  /** What one thread has done. */
  private static final class Sums {
    private final Map<Operation, OperationSum> sums = new HashMap<>();

    /** The same sums by the matrix, for names take long to make. */
    private final Map<Matrix, OperationSum> products = new IdentityHashMap<>();

    private OperationSum of(Operation operation) {
      return sums.computeIfAbsent(operation, any -> new OperationSum());
    }
  }

  private final Kernels kernels;
  private final Queue<Sums> all = new ConcurrentLinkedQueue<>();
  private final ThreadLocal<Sums> own =
      ThreadLocal.withInitial(() -> {
        var sums = new Sums();
        all.add(sums);
        return sums;
      });

  ProfiledKernels(Kernels kernels) {
    this.kernels = kernels;
  }

  /** The sums of all threads since the last reset; to be called when none of them computes. */
  Map<Operation, OperationSum> sums() {
    Map<Operation, OperationSum> together = new LinkedHashMap<>();
    for (Sums each : all) {
      each.sums.forEach((operation, sum) ->
          together.computeIfAbsent(operation, any -> new OperationSum()).add(sum));
    }
    return together;
  }

  /** Forgets all sums; to be called when no thread computes. */
  void reset() {
    for (Sums each : all) {
      each.sums.clear();
      each.products.clear();
    }
  }

  private void add(Operation operation, long begin, long macs, long bytes) {
    own.get().of(operation).add(System.nanoTime() - begin, macs, bytes);
  }

  private void add(Operation operation, long begin) {
    add(operation, begin, 0, 0);
  }

  @Override
  public String name() {
    return kernels.name();
  }

  @Override
  public void quantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    long begin = System.nanoTime();
    kernels.quantize(x, m, columns, q8);
    add(Operation.QUANTIZE, begin);
  }

  @Override
  public void matmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    long begin = System.nanoTime();
    kernels.matmul(w, x, m, out, outStride, groupFrom, groupTo);
    long nanos = System.nanoTime() - begin;
    Sums sums = own.get();
    int groups = groupTo - groupFrom;
    sums.products
        .computeIfAbsent(w, any -> sums.of(Operation.matmul(w)))
        .add(nanos, macs(w, m, groups), groups * w.dtype().groupBytes(w.columns()));
  }

  @Override
  public void gateUp(
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    long begin = System.nanoTime();
    kernels.gateUp(gate, up, x, m, out, outStride, groupFrom, groupTo);
    long nanos = System.nanoTime() - begin;
    Sums sums = own.get();
    int groups = groupTo - groupFrom;
    long bytes =
        groups * (gate.dtype().groupBytes(gate.columns()) + up.dtype().groupBytes(up.columns()));
    sums.products
        .computeIfAbsent(gate, any -> sums.of(Operation.gateUp(gate)))
        .add(nanos, macs(gate, m, groups) + macs(up, m, groups), bytes);
  }

  private static long macs(Matrix w, int m, int groups) {
    return (long) m * groups * DType.GROUP_ROWS * w.columns();
  }

  @Override
  public void rmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    long begin = System.nanoTime();
    kernels.rmsNorm(x, weight, eps, m, n, out);
    add(Operation.NORM, begin);
  }

  @Override
  public void add(MemorySegment x, MemorySegment y, int n) {
    long begin = System.nanoTime();
    kernels.add(x, y, n);
    add(Operation.ELEMENTWISE, begin);
  }

  @Override
  public void scale(MemorySegment x, float factor, int n) {
    long begin = System.nanoTime();
    kernels.scale(x, factor, n);
    add(Operation.ELEMENTWISE, begin);
  }

  @Override
  public void rope(
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table) {
    long begin = System.nanoTime();
    kernels.rope(x, stride, m, heads, headSize, positions, table);
    add(Operation.ROTARY, begin);
  }

  @Override
  public void embed(Matrix w, MemorySegment ids, int m, MemorySegment out) {
    long begin = System.nanoTime();
    kernels.embed(w, ids, m, out);
    add(Operation.EMBEDDING, begin);
  }

  @Override
  public void storeKv(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m) {
    long begin = System.nanoTime();
    kernels.storeKv(kv, cache, blocks, firstPosition, k, v, stride, m);
    add(Operation.STORE, begin);
  }

  @Override
  public void attention(
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
    long begin = System.nanoTime();
    kernels.attention(
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
    long kvHeads = kvHeadTo - kvHeadFrom;
    // Token t sees firstPosition + t + 1 positions.
    long seen = (long) m * firstPosition + (long) m * (m + 1) / 2;
    long macs = 2 * seen * kv.headSize() * kvHeads * (heads / kv.kvHeads());
    long bytes = KvLayout.blocks(firstPosition + m) * (kv.blockBytes() / kv.kvHeads()) * kvHeads;
    add(Operation.ATTENTION, begin, macs, bytes);
  }

  @Override
  public int argmax(MemorySegment logits, int n) {
    return kernels.argmax(logits, n);
  }

  @Override
  public void topK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    kernels.topK(logits, n, k, ids, values);
  }
}
