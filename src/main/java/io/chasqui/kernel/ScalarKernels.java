package io.chasqui.kernel;

import static io.chasqui.kernel.DType.BLOCK_COLUMNS;
import static io.chasqui.kernel.DType.GROUP_ROWS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Plain loops: the specification of {@link Kernels}. Where floats are added, the order written here
 * is the order that every implementation keeps.
 */
public final class ScalarKernels extends CheckedKernels {
  /** Sums over a row are kept in this many parts, element i in part i modulo 16. */
  private static final int LANES = 16;

  private static final int MAX_QUANT = 127;

  @Override
  public String name() {
    return "scalar";
  }

  @Override
  void doQuantize(MemorySegment x, int m, int columns, MemorySegment q8) {
    for (int t = 0; t < m; t++) {
      long row = t * QuantizedRows.stride(columns);
      for (int from = 0; from < columns; from += BLOCK_COLUMNS) {
        quantizeBlock(x, (long) t * columns + from, q8, row, columns, from);
      }
    }
  }

  private static void quantizeBlock(
      MemorySegment x, long xFrom, MemorySegment q8, long row, int columns, int from) {
    // Magnitudes are compared as integers so that a NaN is the largest of all and is not lost.
    int max = 0;
    for (int c = 0; c < BLOCK_COLUMNS; c++) {
      max = Math.max(max, x.getAtIndex(JAVA_INT, xFrom + c) & Integer.MAX_VALUE);
    }
    float scale = Float.intBitsToFloat(max) / MAX_QUANT;
    int sum = 0;
    for (int c = 0; c < BLOCK_COLUMNS; c++) {
      int quant = scale == 0 ? 0 : quant(x.getAtIndex(JAVA_FLOAT, xFrom + c) / scale);
      q8.set(JAVA_BYTE, row + from + c, (byte) quant);
      sum += quant;
    }
    long block = from / BLOCK_COLUMNS;
    q8.set(JAVA_FLOAT, row + QuantizedRows.scales(columns) + block * Float.BYTES, scale);
    q8.set(JAVA_INT, row + QuantizedRows.sums(columns) + block * Integer.BYTES, sum);
  }

  /** To nearest, ties to even, within ±127; a NaN becomes −127, as SIMD maximum has it. */
  static int quant(float value) {
    float atLeast = value > -MAX_QUANT ? value : -MAX_QUANT;
    return (int) Math.rint(Math.min(atLeast, MAX_QUANT));
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
    for (int t = 0; t < m; t++) {
      for (int row = groupFrom * GROUP_ROWS; row < groupTo * GROUP_ROWS; row++) {
        out.setAtIndex(JAVA_FLOAT, (long) t * outStride + row, dot(w, row, x, t));
      }
    }
  }

  private static float dot(Matrix w, int row, MemorySegment x, int t) {
    long group = row / GROUP_ROWS * w.dtype().groupBytes(w.columns());
    int lane = row % GROUP_ROWS;
    return w.dtype().quantized()
        ? dotQuants(w, group, lane, x, t)
        : dotFloats(w, group, lane, x, t);
  }

  private static float dotQuants(Matrix w, long group, int lane, MemorySegment x, int t) {
    DType dtype = w.dtype();
    int columns = w.columns();
    long input = t * QuantizedRows.stride(columns);
    float acc = 0;
    for (int b = 0; b < columns / BLOCK_COLUMNS; b++) {
      long block = group + (long) b * dtype.blockBytes();
      int sum = 0;
      for (int c = 0; c < BLOCK_COLUMNS; c++) {
        int quant = x.get(JAVA_BYTE, input + (long) b * BLOCK_COLUMNS + c);
        sum += WeightCodec.biasedQuant(dtype, w.data(), block, lane, c) * quant;
      }
      sum -= dtype.bias() * x.get(JAVA_INT, input + QuantizedRows.sums(columns) + 4L * b);
      float xScale = x.get(JAVA_FLOAT, input + QuantizedRows.scales(columns) + 4L * b);
      acc = Math.fma((float) sum, WeightCodec.scale(w.data(), block, lane) * xScale, acc);
    }
    return acc;
  }

  private static float dotFloats(Matrix w, long group, int lane, MemorySegment x, int t) {
    MemorySegment weights = w.data().asSlice(group, w.dtype().groupBytes(w.columns()));
    float acc = 0;
    for (int c = 0; c < w.columns(); c++) {
      float weight = WeightCodec.weight(w.dtype(), weights, lane, c);
      acc = Math.fma(weight, x.getAtIndex(JAVA_FLOAT, (long) t * w.columns() + c), acc);
    }
    return acc;
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
    for (int t = 0; t < m; t++) {
      for (int row = groupFrom * GROUP_ROWS; row < groupTo * GROUP_ROWS; row++) {
        float gated = FloatMath.silu(dot(gate, row, x, t)) * dot(up, row, x, t);
        out.setAtIndex(JAVA_FLOAT, (long) t * outStride + row, gated);
      }
    }
  }

  @Override
  void doRmsNorm(
      MemorySegment x, MemorySegment weight, float eps, int m, int n, MemorySegment out) {
    for (int t = 0; t < m; t++) {
      long row = (long) t * n;
      float[] squares = new float[LANES];
      for (int i = 0; i < n; i++) {
        float value = x.getAtIndex(JAVA_FLOAT, row + i);
        squares[i % LANES] = Math.fma(value, value, squares[i % LANES]);
      }
      float inverse = 1 / (float) Math.sqrt(FloatMath.sum(squares) / n + eps);
      for (int i = 0; i < n; i++) {
        float normed = x.getAtIndex(JAVA_FLOAT, row + i) * inverse;
        out.setAtIndex(JAVA_FLOAT, row + i, normed * weight.getAtIndex(JAVA_FLOAT, i));
      }
    }
  }

  @Override
  void doAdd(MemorySegment x, MemorySegment y, int n) {
    for (int i = 0; i < n; i++) {
      float sum = x.getAtIndex(JAVA_FLOAT, i) + y.getAtIndex(JAVA_FLOAT, i);
      x.setAtIndex(JAVA_FLOAT, i, sum);
    }
  }

  @Override
  void doScale(MemorySegment x, float factor, int n) {
    for (int i = 0; i < n; i++) {
      x.setAtIndex(JAVA_FLOAT, i, x.getAtIndex(JAVA_FLOAT, i) * factor);
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
    int half = headSize / 2;
    for (int t = 0; t < m; t++) {
      long angles = (long) positions.getAtIndex(JAVA_INT, t) * headSize;
      for (int h = 0; h < heads; h++) {
        long head = (long) t * stride + (long) h * headSize;
        for (int i = 0; i < half; i++) {
          float cos = table.getAtIndex(JAVA_FLOAT, angles + i);
          float sin = table.getAtIndex(JAVA_FLOAT, angles + half + i);
          float a = x.getAtIndex(JAVA_FLOAT, head + i);
          float b = x.getAtIndex(JAVA_FLOAT, head + half + i);
          x.setAtIndex(JAVA_FLOAT, head + i, a * cos - b * sin);
          x.setAtIndex(JAVA_FLOAT, head + half + i, b * cos + a * sin);
        }
      }
    }
  }

  @Override
  void doEmbed(Matrix w, MemorySegment ids, int m, MemorySegment out) {
    int columns = w.columns();
    long groupBytes = w.dtype().groupBytes(columns);
    for (int t = 0; t < m; t++) {
      int id = ids.getAtIndex(JAVA_INT, t);
      MemorySegment group = w.data().asSlice(id / GROUP_ROWS * groupBytes, groupBytes);
      for (int c = 0; c < columns; c++) {
        float weight = WeightCodec.weight(w.dtype(), group, id % GROUP_ROWS, c);
        out.setAtIndex(JAVA_FLOAT, (long) t * columns + c, weight);
      }
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
    for (int t = 0; t < m; t++) {
      for (int h = 0; h < kv.kvHeads(); h++) {
        KvHead head = KvHead.at(kv, cache, blocks, firstPosition + t, h);
        int position = (firstPosition + t) % KvLayout.BLOCK_POSITIONS;
        long row = (long) t * stride + (long) h * kv.headSize();
        head.storeKey(position, floats(k, row, kv.headSize()));
        head.storeValue(position, floats(v, row, kv.headSize()));
      }
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
    int group = heads / kv.kvHeads();
    for (int t = 0; t < m; t++) {
      for (int h = kvHeadFrom * group; h < kvHeadTo * group; h++) {
        float[] query = floats(q, (long) t * qStride + (long) h * kv.headSize(), kv.headSize());
        float[] result = attend(kv, cache, blocks, firstPosition + t + 1, h / group, query, scale);
        long row = (long) t * outStride + (long) h * kv.headSize();
        for (int d = 0; d < result.length; d++) {
          out.setAtIndex(JAVA_FLOAT, row + d, result[d]);
        }
      }
    }
  }

  /** One head of one token over the positions before {@code end}. */
  private static float[] attend(
      KvLayout kv,
      MemorySegment cache,
      MemorySegment blocks,
      int end,
      int kvHead,
      float[] query,
      float scale) {
    float max = Float.NEGATIVE_INFINITY;
    float[] sums = new float[LANES];
    float[] result = new float[kv.headSize()];
    for (int from = 0; from < end; from += KvLayout.BLOCK_POSITIONS) {
      KvHead head = KvHead.at(kv, cache, blocks, from, kvHead);
      float[] scores = new float[Math.min(KvLayout.BLOCK_POSITIONS, end - from)];
      float newMax = max;
      for (int p = 0; p < scores.length; p++) {
        float dot = 0;
        for (int d = 0; d < query.length; d++) {
          dot = Math.fma(head.key(p, d), query[d], dot);
        }
        scores[p] = dot * head.keyScale(p) * scale;
        newMax = scores[p] > newMax ? scores[p] : newMax;
      }
      float correction = newMax == max ? 1 : FloatMath.exp(max - newMax);
      max = newMax;
      for (int i = 0; i < LANES; i++) {
        sums[i] *= correction;
      }
      for (int d = 0; d < result.length; d++) {
        result[d] *= correction;
      }
      for (int p = 0; p < scores.length; p++) {
        float probability = FloatMath.exp(scores[p] - max);
        sums[p] += probability;
        float weight = probability * head.valueScale(p);
        for (int d = 0; d < result.length; d++) {
          result[d] = Math.fma(head.value(p, d), weight, result[d]);
        }
      }
    }
    float sum = FloatMath.sum(sums);
    for (int d = 0; d < result.length; d++) {
      result[d] /= sum;
    }
    return result;
  }

  @Override
  int doArgmax(MemorySegment logits, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      float logit = logits.getAtIndex(JAVA_FLOAT, i);
      max = logit > max ? logit : max;
    }
    for (int i = 0; i < n; i++) {
      if (logits.getAtIndex(JAVA_FLOAT, i) == max) {
        return i;
      }
    }
    return 0;
  }

  @Override
  void doTopK(MemorySegment logits, int n, int k, MemorySegment ids, MemorySegment values) {
    float[] ranks = floats(logits, 0, n);
    for (int i = 0; i < n; i++) {
      // Adding zero makes −0 the equal of 0 that it is.
      ranks[i] = Float.isNaN(ranks[i]) ? Float.NEGATIVE_INFINITY : ranks[i] + 0f;
    }
    int[] order =
        IntStream.range(0, n)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -ranks[i]).thenComparing(i -> i))
            .mapToInt(i -> i)
            .limit(k)
            .toArray();
    for (int i = 0; i < k; i++) {
      ids.setAtIndex(JAVA_INT, i, order[i]);
      values.setAtIndex(JAVA_FLOAT, i, ranks[order[i]]);
    }
  }

  private static float[] floats(MemorySegment segment, long from, int count) {
    return segment.asSlice(from * Float.BYTES, (long) count * Float.BYTES).toArray(JAVA_FLOAT);
  }
}
