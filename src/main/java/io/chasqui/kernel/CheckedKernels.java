package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.IntBuffer;

/**
 * Checks the arguments of every operation, in this one place, before an implementation sees them:
 * native code gets addresses only of segments that were found long enough here.
 */
abstract sealed class CheckedKernels implements Kernels
    permits NativeKernels, VectorKernels, ScalarKernels {

  abstract void doQuantize(MemorySegment x, int m, int columns, MemorySegment q8);

  abstract void doMatmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo);

  abstract void doGateUp(
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo);

  abstract void doRmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out);

  abstract void doAdd(MemorySegment x, MemorySegment y, int n);

  abstract void doScale(MemorySegment x, float factor, int n);

  abstract void doRope(
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table);

  abstract void doEmbed(Matrix w, MemorySegment ids, int m, MemorySegment out);

  abstract void doStoreKv(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m);

  abstract void doAttention(
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

  abstract int doArgmax(MemorySegment logits, int n);

  abstract void doTopK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values);

  @Override
  public final void quantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    positive("m", m);
    readable("x", x, floats(m, columns));
    writable("q8", q8, QuantizedRows.bytes(m, columns));
    doQuantize(x, m, columns, q8);
  }

  @Override
  public final void matmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    checkMatmul(w, x, m, out, outStride, groupFrom, groupTo);
    doMatmul(w, x, m, out, outStride, groupFrom, groupTo);
  }

  @Override
  public final void gateUp(
      Matrix gate,
      Matrix up,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    checkMatmul(gate, x, m, out, outStride, groupFrom, groupTo);
    if (gate.rows() != up.rows()
        || gate.columns() != up.columns()
        || gate.dtype().quantized() != up.dtype().quantized()) {
      throw new IllegalArgumentException(
          "gate and up must be alike: %s [%d, %d] and %s [%d, %d]"
              .formatted(
                  gate.dtype(), gate.rows(), gate.columns(), up.dtype(), up.rows(), up.columns()));
    }
    doGateUp(gate, up, x, m, out, outStride, groupFrom, groupTo);
  }

  @Override
  public final void rmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    positive("m", m);
    multipleOf16("n", n);
    readable("x", x, floats(m, n));
    readable("weight", weight, floats(1, n));
    writable("out", out, floats(m, n));
    doRmsNorm(x, weight, eps, m, n, out);
  }

  @Override
  public final void add(MemorySegment x, MemorySegment y, int n) {
    positive("n", n);
    writable("x", x, floats(1, n));
    readable("y", y, floats(1, n));
    doAdd(x, y, n);
  }

  @Override
  public final void scale(MemorySegment x, float factor, int n) {
    positive("n", n);
    writable("x", x, floats(1, n));
    doScale(x, factor, n);
  }

  @Override
  public final void rope(
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table) {
    positive("m", m);
    positive("heads", heads);
    if (headSize <= 0 || headSize % 2 != 0) {
      throw new IllegalArgumentException("headSize must be even, not " + headSize);
    }
    writable("x", x, rows("stride", m, stride, (long) heads * headSize));
    readable("positions", positions, ints(m));
    readable("table", table, 0);
    indices("position", positions, m, table.byteSize() / floats(1, headSize));
    doRope(x, stride, m, heads, headSize, positions, table);
  }

  @Override
  public final void embed(Matrix w, MemorySegment ids, int m, MemorySegment out) {
    positive("m", m);
    readable("ids", ids, ints(m));
    indices("id", ids, m, w.rows());
    writable("out", out, floats(m, w.columns()));
    doEmbed(w, ids, m, out);
  }

  @Override
  public final void storeKv(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int firstPosition,
      MemorySegment k,
      MemorySegment v,
      int stride,
      int m) {
    checkBlocks(kv, cache, blocks, firstPosition, m);
    writable("cache", cache, 0);
    long bytes = rows("stride", m, stride, (long) kv.kvHeads() * kv.headSize());
    readable("k", k, bytes);
    readable("v", v, bytes);
    doStoreKv(kv, cache, blocks, firstPosition, k, v, stride, m);
  }

  @Override
  public final void attention(
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
    checkBlocks(kv, cache, blocks, firstPosition, m);
    if (heads <= 0 || heads % kv.kvHeads() != 0) {
      throw new IllegalArgumentException(
          "%d query heads cannot share %d KV heads".formatted(heads, kv.kvHeads()));
    }
    if (kvHeadFrom < 0 || kvHeadFrom > kvHeadTo || kvHeadTo > kv.kvHeads()) {
      throw new IllegalArgumentException(
          "KV heads %d to %d are not within 0 to %d".formatted(kvHeadFrom, kvHeadTo, kv.kvHeads()));
    }
    long width = (long) heads * kv.headSize();
    readable("q", q, rows("qStride", m, qStride, width));
    writable("out", out, rows("outStride", m, outStride, width));
    doAttention(
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
  public final int argmax(MemorySegment logits, int n) {
    positive("n", n);
    readable("logits", logits, floats(1, n));
    return doArgmax(logits, n);
  }

  @Override
  public final void topK(
      MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    positive("n", n);
    if (k <= 0 || k > n) {
      throw new IllegalArgumentException("k must be within 1 to %d, not %d".formatted(n, k));
    }
    readable("logits", logits, floats(1, n));
    writable("ids", ids, ints(k));
    writable("values", values, floats(1, k));
    doTopK(logits, n, k, ids, values);
  }

  private static void checkBlocks(
      KvLayout kv, MemorySegment cache, MemorySegment blocks, int firstPosition, int m) {
    positive("m", m);
    if (firstPosition < 0 || firstPosition > Integer.MAX_VALUE - 16 - m) {
      throw new IllegalArgumentException("firstPosition is out of range: " + firstPosition);
    }
    int count = KvLayout.blocks(firstPosition + m);
    readable("cache", cache, 0);
    readable("blocks", blocks, ints(count));
    indices("block", blocks, count, cache.byteSize() / kv.blockBytes());
  }

  private static void indices(String name, MemorySegment ids, int count, long end) {
    // A buffer, because an executable reads single values of a segment slowly or not at all.
    IntBuffer values =
        ids.asSlice(0, ints(count)).asByteBuffer().order(ByteOrder.nativeOrder()).asIntBuffer();
    for (int i = 0; i < count; i++) {
      int id = values.get(i);
      if (id < 0 || id >= end) {
        throw new IllegalArgumentException(
            "%s %d is not within 0 to %d".formatted(name, id, end - 1));
      }
    }
  }

  /** Bytes from the first float to the last of {@code m} rows of {@code width} floats. */
  private static long rows(String name, int m, int stride, long width) {
    if (stride < width) {
      throw new IllegalArgumentException(
          "%s %d is less than the %d floats of a row".formatted(name, stride, width));
    }
    return floats(m - 1, stride) + floats(1, width);
  }

  private static long ints(int count) {
    return (long) count * Integer.BYTES;
  }

  private static void multipleOf16(String name, int value) {
    if (value <= 0 || value % 16 != 0) {
      throw new IllegalArgumentException(name + " must be a positive multiple of 16, not " + value);
    }
  }

  private static void checkMatmul(
      Matrix w,
      MemorySegment x,
      int m,
      MemorySegment out,
      int outStride,
      int groupFrom,
      int groupTo) {
    positive("m", m);
    if (groupFrom < 0 || groupFrom > groupTo || groupTo > w.groups()) {
      throw new IllegalArgumentException(
          "groups %d to %d are not within 0 to %d".formatted(groupFrom, groupTo, w.groups()));
    }
    long inputBytes =
        w.dtype().quantized() ? QuantizedRows.bytes(m, w.columns()) : floats(m, w.columns());
    readable("x", x, inputBytes);
    writable("out", out, rows("outStride", m, outStride, w.paddedRows()));
  }

  private static long floats(long rows, long columns) {
    return rows * columns * Float.BYTES;
  }

  private static void positive(String name, int value) {
    if (value <= 0) {
      throw new IllegalArgumentException(name + " must be positive, not " + value);
    }
  }

  private static void writable(String name, MemorySegment segment, long bytes) {
    readable(name, segment, bytes);
    if (segment.isReadOnly()) {
      throw new IllegalArgumentException(name + " is read-only");
    }
  }

  private static void readable(String name, MemorySegment segment, long bytes) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(name + " must lie in native memory, not in a Java array");
    }
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "%s has %d bytes but %d are needed".formatted(name, segment.byteSize(), bytes));
    }
    if (segment.address() % Float.BYTES != 0) {
      throw new IllegalArgumentException(name + " must be aligned to " + Float.BYTES + " bytes");
    }
  }
}
