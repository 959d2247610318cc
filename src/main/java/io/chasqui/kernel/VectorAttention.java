package io.chasqui.kernel;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;
import static io.chasqui.kernel.Vectors.FLOATS;
import static io.chasqui.kernel.Vectors.LANES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.MAX;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Attention of {@link VectorKernels}. Query heads that share a KV head, and tokens that follow one
 * another, are rows of a tile of {@value #ROWS}: keys and values are converted once for all of
 * them. A tile that is not full repeats its last row. Each row keeps its own order of additions, so
 * a result depends on no tile.
 */
final class VectorAttention {
  private static final int ROWS = 4;

  /** Blocks whose scores are computed together. */
  private static final int TOGETHER = 2;

  private static final int SCORES = TOGETHER * BLOCK_POSITIONS;

  private final KvLayout kv;
  private final MemorySegment cache;
  private final MemorySegment blocks;
  private final float scale;
  private final boolean halves;
  private final int size;

  /** {@code [ROWS, headSize]} */
  private final float[] queries;

  /** {@code [TOGETHER, headSize, 16]}, without their scales. */
  private final float[] keys;

  /** {@code [16, headSize]}, without their scales. */
  private final float[] values;

  /** The end of the positions that each row attends to. */
  private final int[] ends = new int[ROWS];

  private final float[] maxima = new float[ROWS];

  /** For what each row added up under its previous maximum. */
  private final float[] corrections = new float[ROWS];

  /** {@code [ROWS, 16]} */
  private final float[] sums = new float[ROWS * BLOCK_POSITIONS];

  /** {@code [ROWS, SCORES]}; weights of the values in the end. */
  private final float[] scores = new float[ROWS * SCORES];

  /** {@code [ROWS, headSize]} */
  private final float[] results;

  VectorAttention(KvLayout kv, MemorySegment cache, MemorySegment blocks, float scale) {
    this.kv = kv;
    this.cache = cache;
    this.blocks = blocks;
    this.scale = scale;
    halves = kv.type() == KvLayout.Type.F16;
    size = kv.headSize();
    queries = new float[ROWS * size];
    keys = new float[SCORES * size];
    values = new float[BLOCK_POSITIONS * size];
    results = new float[ROWS * size];
  }

  /** The query heads of one KV head, {@code group} of each of the {@code m} tokens. */
  void attend(
      int kvHead,
      int group,
      int firstPosition,
      MemorySegment q,
      int qStride,
      int m,
      MemorySegment out,
      int outStride) {
    int all = m * group;
    for (int done = 0; done < all; done += ROWS) {
      for (int r = 0; r < ROWS; r++) {
        int row = Math.min(done + r, all - 1);
        long from = (long) row / group * qStride + (long) (kvHead * group + row % group) * size;
        MemorySegment.copy(q, JAVA_FLOAT, from * Float.BYTES, queries, r * size, size);
        ends[r] = firstPosition + row / group + 1;
      }
      attendTile(kvHead);
      for (int r = 0; r < Math.min(ROWS, all - done); r++) {
        int row = done + r;
        long to = (long) row / group * outStride + (long) (kvHead * group + row % group) * size;
        float sum = FloatMath.sum(Arrays.copyOfRange(sums, r * 16, r * 16 + 16));
        for (int d = 0; d < size; d += LANES) {
          FloatVector result = FloatVector.fromArray(FLOATS, results, r * size + d);
          Vectors.store(result.div(sum), out, (to + d) * Float.BYTES);
        }
      }
    }
  }

  private void attendTile(int kvHead) {
    Arrays.fill(maxima, Float.NEGATIVE_INFINITY);
    Arrays.fill(sums, 0);
    Arrays.fill(results, 0);
    int end = ends[ROWS - 1];
    for (int from = 0; from < end; from += SCORES) {
      int next = from + BLOCK_POSITIONS;
      long first = head(from, kvHead);
      long second = next < end ? head(next, kvHead) : first;
      convert(first, keys, 0);
      convert(second, keys, size * BLOCK_POSITIONS);
      for (int lane = 0; lane < BLOCK_POSITIONS; lane += LANES) {
        score(lane);
      }
      takeBlock(first, from, 0);
      if (next < end) {
        takeBlock(second, next, BLOCK_POSITIONS);
      }
    }
  }

  /** Where a head lies in the block that holds {@code position}. */
  private long head(int position, int kvHead) {
    long block = blocks.getAtIndex(JAVA_INT, position / BLOCK_POSITIONS);
    return block * kv.blockBytes() + kvHead * kv.headBytes();
  }

  /** The products of queries and keys of as many positions of two blocks as a vector has lanes. */
  private void score(int lane) {
    FloatVector dot0 = Vectors.zero();
    FloatVector dot1 = dot0;
    FloatVector dot2 = dot0;
    FloatVector dot3 = dot0;
    FloatVector more0 = dot0;
    FloatVector more1 = dot0;
    FloatVector more2 = dot0;
    FloatVector more3 = dot0;
    for (int d = 0; d < size; d++) {
      int at = d * BLOCK_POSITIONS + lane;
      FloatVector key = FloatVector.fromArray(FLOATS, keys, at);
      FloatVector moreKey = FloatVector.fromArray(FLOATS, keys, size * BLOCK_POSITIONS + at);
      FloatVector query0 = Vectors.all(queries[d]);
      FloatVector query1 = Vectors.all(queries[size + d]);
      FloatVector query2 = Vectors.all(queries[2 * size + d]);
      FloatVector query3 = Vectors.all(queries[3 * size + d]);
      dot0 = key.fma(query0, dot0);
      dot1 = key.fma(query1, dot1);
      dot2 = key.fma(query2, dot2);
      dot3 = key.fma(query3, dot3);
      more0 = moreKey.fma(query0, more0);
      more1 = moreKey.fma(query1, more1);
      more2 = moreKey.fma(query2, more2);
      more3 = moreKey.fma(query3, more3);
    }
    dot0.intoArray(scores, lane);
    dot1.intoArray(scores, SCORES + lane);
    dot2.intoArray(scores, 2 * SCORES + lane);
    dot3.intoArray(scores, 3 * SCORES + lane);
    more0.intoArray(scores, BLOCK_POSITIONS + lane);
    more1.intoArray(scores, SCORES + BLOCK_POSITIONS + lane);
    more2.intoArray(scores, 2 * SCORES + BLOCK_POSITIONS + lane);
    more3.intoArray(scores, 3 * SCORES + BLOCK_POSITIONS + lane);
  }

  /** Converts the keys or the values of a head in one block. */
  private void convert(long offset, float[] to, int at) {
    if (halves) {
      for (int i = 0; i < size * BLOCK_POSITIONS; i += LANES) {
        Vectors.loadHalves(cache, offset + 2L * i).intoArray(to, at + i);
      }
    } else {
      for (int i = 0; i < size * BLOCK_POSITIONS; i += LANES) {
        Vectors.loadBytes(cache, offset + i).intoArray(to, at + i);
      }
    }
  }

  /**
   * Adds what a block has to the results.
   *
   * @param from the first position of the block
   * @param at its scores in those of a row
   */
  private void takeBlock(long head, int from, int at) {
    int common = BLOCK_POSITIONS;
    for (int r = 0; r < ROWS; r++) {
      int n = Math.clamp(ends[r] - from, 0, BLOCK_POSITIONS);
      common = Math.min(common, n);
      corrections[r] = 1;
      if (n > 0) {
        soften(r, head, r * SCORES + at, n);
      }
    }
    convert(head + kv.partBytes(), values, 0);
    for (int d = 0; d < size; d += 2 * LANES) {
      addValues(d, Math.min(d + LANES, size - LANES), common, at);
    }
    // Rows that end within this block: none may touch a value that is not its own.
    for (int r = 0; r < ROWS; r++) {
      int n = Math.min(ends[r] - from, BLOCK_POSITIONS);
      if (n > common) {
        addValuesOfRow(r, common, n, at);
      }
    }
  }

  /** Turns the scores of the first {@code n} positions of a block into weights of their values. */
  private void soften(int row, long head, int at, int n) {
    long keyScales = head + 2 * kv.partBytes();
    float max = scaleScores(maxima[row], keyScales, at, n);
    if (max != maxima[row]) {
      corrections[row] = FloatMath.exp(maxima[row] - max);
      maxima[row] = max;
    }
    for (int lane = 0; lane < BLOCK_POSITIONS; lane += LANES) {
      FloatVector score = FloatVector.fromArray(FLOATS, scores, at + lane);
      FloatVector probability = Vectors.exp(score.sub(max)).blend(0f, beyond(n - lane));
      int sum = row * BLOCK_POSITIONS + lane;
      FloatVector corrected = FloatVector.fromArray(FLOATS, sums, sum).mul(corrections[row]);
      corrected.add(probability).intoArray(sums, sum);
      probability.intoArray(scores, at + lane);
    }
    if (!halves) {
      scaleWeights(keyScales + 4L * BLOCK_POSITIONS, at);
    }
  }

  /** Scales the scores of a block, from {@code n} on to −∞, and returns the new maximum. */
  private float scaleScores(float maximum, long keyScales, int at, int n) {
    FloatVector max = Vectors.all(maximum);
    for (int lane = 0; lane < BLOCK_POSITIONS; lane += LANES) {
      FloatVector score = FloatVector.fromArray(FLOATS, scores, at + lane);
      if (!halves) {
        score = score.mul(Vectors.load(cache, keyScales + 4L * lane));
      }
      score = score.mul(scale).blend(Float.NEGATIVE_INFINITY, beyond(n - lane));
      score.intoArray(scores, at + lane);
      max = max.blend(score, score.compare(GT, max));
    }
    return max.reduceLanes(MAX);
  }

  private void scaleWeights(long valueScales, int at) {
    for (int lane = 0; lane < BLOCK_POSITIONS; lane += LANES) {
      FloatVector weight = FloatVector.fromArray(FLOATS, scores, at + lane);
      weight.mul(Vectors.load(cache, valueScales + 4L * lane)).intoArray(scores, at + lane);
    }
  }

  /** The lanes from {@code n} on. */
  private static VectorMask<Float> beyond(int n) {
    return FLOATS.indexInRange(0, Math.clamp(n, 0, LANES)).not();
  }

  /** The values of the first {@code n} positions of a block: two vectors of elements, all rows. */
  private void addValues(int d, int more, int n, int at) {
    FloatVector result0 = result(0, d);
    FloatVector result1 = result(1, d);
    FloatVector result2 = result(2, d);
    FloatVector result3 = result(3, d);
    FloatVector more0 = result(0, more);
    FloatVector more1 = result(1, more);
    FloatVector more2 = result(2, more);
    FloatVector more3 = result(3, more);
    for (int p = 0; p < n; p++) {
      FloatVector value = FloatVector.fromArray(FLOATS, values, p * size + d);
      FloatVector moreValue = FloatVector.fromArray(FLOATS, values, p * size + more);
      FloatVector weight0 = Vectors.all(scores[at + p]);
      FloatVector weight1 = Vectors.all(scores[SCORES + at + p]);
      FloatVector weight2 = Vectors.all(scores[2 * SCORES + at + p]);
      FloatVector weight3 = Vectors.all(scores[3 * SCORES + at + p]);
      result0 = value.fma(weight0, result0);
      result1 = value.fma(weight1, result1);
      result2 = value.fma(weight2, result2);
      result3 = value.fma(weight3, result3);
      more0 = moreValue.fma(weight0, more0);
      more1 = moreValue.fma(weight1, more1);
      more2 = moreValue.fma(weight2, more2);
      more3 = moreValue.fma(weight3, more3);
    }
    result0.intoArray(results, d);
    result1.intoArray(results, size + d);
    result2.intoArray(results, 2 * size + d);
    result3.intoArray(results, 3 * size + d);
    more0.intoArray(results, more);
    more1.intoArray(results, size + more);
    more2.intoArray(results, 2 * size + more);
    more3.intoArray(results, 3 * size + more);
  }

  private FloatVector result(int row, int d) {
    return FloatVector.fromArray(FLOATS, results, row * size + d).mul(corrections[row]);
  }

  /** The values of some positions of a block for one row, whose results are corrected already. */
  private void addValuesOfRow(int row, int from, int to, int at) {
    for (int d = 0; d < size; d += LANES) {
      FloatVector result = FloatVector.fromArray(FLOATS, results, row * size + d);
      for (int p = from; p < to; p++) {
        FloatVector weight = Vectors.all(scores[row * SCORES + at + p]);
        result = FloatVector.fromArray(FLOATS, values, p * size + d).fma(weight, result);
      }
      result.intoArray(results, row * size + d);
    }
  }
}
