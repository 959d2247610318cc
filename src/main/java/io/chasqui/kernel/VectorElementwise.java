package io.chasqui.kernel;

import static io.chasqui.kernel.DType.BLOCK_COLUMNS;
import static io.chasqui.kernel.Vectors.ALL_LANES;
import static io.chasqui.kernel.Vectors.FLOATS;
import static io.chasqui.kernel.Vectors.LANES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static jdk.incubator.vector.VectorOperators.ADD;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** The operations of {@link VectorKernels} that do little with each number. */
final class VectorElementwise {
  private VectorElementwise() {}

  static void quantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    int[] quants = new int[BLOCK_COLUMNS];
    for (int t = 0; t < m; t++) {
      long row = t * QuantizedRows.stride(columns);
      for (int from = 0; from < columns; from += BLOCK_COLUMNS) {
        long block = from / BLOCK_COLUMNS * 4L;
        long at = bytes((long) t * columns + from);
        float scale = scale(x, at);
        int sum = quantizeBlock(x, at, scale, quants);
        for (int c = 0; c < BLOCK_COLUMNS; c++) {
          q8.set(JAVA_BYTE, row + from + c, (byte) quants[c]);
        }
        q8.set(JAVA_FLOAT, row + QuantizedRows.scales(columns) + block, scale);
        q8.set(JAVA_INT, row + QuantizedRows.sums(columns) + block, sum);
      }
    }
  }

  private static float scale(MemorySegment x, long at) {
    IntVector max = IntVector.zero(Vectors.INTS);
    for (int c = 0; c < BLOCK_COLUMNS; c += LANES) {
      // Magnitudes are compared as integers so that a NaN is the largest of all and is not lost.
      max = max.max(Vectors.loadInts(x, at + bytes(c)).and(Integer.MAX_VALUE));
    }
    return Float.intBitsToFloat(max.reduceLanes(MAX)) / 127;
  }

  private static int quantizeBlock(MemorySegment x, long at, float scale, int[] quants) {
    if (scale == 0) {
      Arrays.fill(quants, 0);
      return 0;
    }
    int sum = 0;
    for (int c = 0; c < BLOCK_COLUMNS; c += LANES) {
      IntVector quant = Vectors.quants(Vectors.load(x, at + bytes(c)).div(scale));
      quant.intoArray(quants, c);
      sum += quant.reduceLanes(ADD);
    }
    return sum;
  }

  static void rmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    float[] squares = new float[ALL_LANES];
    for (int t = 0; t < m; t++) {
      long row = bytes((long) t * n);
      for (int lane = 0; lane < ALL_LANES; lane += LANES) {
        squares(x, row, n, lane).intoArray(squares, lane);
      }
      float inverse = 1 / (float) Math.sqrt(FloatMath.sum(squares) / n + eps);
      for (int i = 0; i < n; i += LANES) {
        FloatVector normed = Vectors.load(x, row + bytes(i)).mul(inverse);
        Vectors.store(normed.mul(Vectors.load(weight, bytes(i))), out, row + bytes(i));
      }
    }
  }

  private static FloatVector squares(MemorySegment x, long row, int n, int lane) {
    FloatVector sum = Vectors.zero();
    for (int i = lane; i < n; i += ALL_LANES) {
      FloatVector value = Vectors.load(x, row + bytes(i));
      sum = value.fma(value, sum);
    }
    return sum;
  }

  static void add(MemorySegment x, MemorySegment y, int n) {
    int i = 0;
    for (; i < FLOATS.loopBound(n); i += LANES) {
      Vectors.store(Vectors.load(x, bytes(i)).add(Vectors.load(y, bytes(i))), x, bytes(i));
    }
    for (; i < n; i++) {
      x.setAtIndex(JAVA_FLOAT, i, x.getAtIndex(JAVA_FLOAT, i) + y.getAtIndex(JAVA_FLOAT, i));
    }
  }

  static void scale(MemorySegment x, float factor, int n) {
    int i = 0;
    for (; i < FLOATS.loopBound(n); i += LANES) {
      Vectors.store(Vectors.load(x, bytes(i)).mul(factor), x, bytes(i));
    }
    for (; i < n; i++) {
      x.setAtIndex(JAVA_FLOAT, i, x.getAtIndex(JAVA_FLOAT, i) * factor);
    }
  }

  static void rope(
      MemorySegment x,
      int stride,
      int m,
      int heads,
      int headSize,
      MemorySegment positions,
      MemorySegment table) {
    for (int t = 0; t < m; t++) {
      long angles = bytes((long) positions.getAtIndex(JAVA_INT, t) * headSize);
      for (int h = 0; h < heads; h++) {
        rotate(x, bytes((long) t * stride + (long) h * headSize), headSize / 2, table, angles);
      }
    }
  }

  private static void rotate(
      MemorySegment x, long head, int half, MemorySegment table, long angles) {
    int i = 0;
    for (; i < FLOATS.loopBound(half); i += LANES) {
      FloatVector cos = Vectors.load(table, angles + bytes(i));
      FloatVector sin = Vectors.load(table, angles + bytes(half + i));
      FloatVector a = Vectors.load(x, head + bytes(i));
      FloatVector b = Vectors.load(x, head + bytes(half + i));
      Vectors.store(a.mul(cos).sub(b.mul(sin)), x, head + bytes(i));
      Vectors.store(b.mul(cos).add(a.mul(sin)), x, head + bytes(half + i));
    }
    for (; i < half; i++) {
      float cos = table.get(JAVA_FLOAT, angles + bytes(i));
      float sin = table.get(JAVA_FLOAT, angles + bytes(half + i));
      float a = x.get(JAVA_FLOAT, head + bytes(i));
      float b = x.get(JAVA_FLOAT, head + bytes(half + i));
      x.set(JAVA_FLOAT, head + bytes(i), a * cos - b * sin);
      x.set(JAVA_FLOAT, head + bytes(half + i), b * cos + a * sin);
    }
  }

  static int argmax(MemorySegment logits, int n) {
    FloatVector lanes = Vectors.all(Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i < FLOATS.loopBound(n); i += LANES) {
      FloatVector logit = Vectors.load(logits, bytes(i));
      lanes = lanes.blend(logit, logit.compare(GT, lanes));
    }
    float max = lanes.reduceLanes(MAX);
    for (; i < n; i++) {
      float logit = logits.getAtIndex(JAVA_FLOAT, i);
      max = logit > max ? logit : max;
    }
    for (i = 0; i < n; i++) {
      if (logits.getAtIndex(JAVA_FLOAT, i) == max) {
        return i;
      }
    }
    return 0;
  }

  private static long bytes(long floats) {
    return floats * Float.BYTES;
  }
}
