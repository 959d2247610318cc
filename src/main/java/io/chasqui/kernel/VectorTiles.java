package io.chasqui.kernel;

import static io.chasqui.kernel.DType.BLOCK_COLUMNS;
import static io.chasqui.kernel.DType.GROUP_ROWS;
import static io.chasqui.kernel.VectorProducts.TILE_TOKENS;
import static io.chasqui.kernel.Vectors.LANES;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static jdk.incubator.vector.VectorOperators.ASHR;
import static jdk.incubator.vector.VectorOperators.I2F;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LSHR;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;

/**
 * Tiles of one matrix, by the type of its weights: the products of as many rows as a vector has
 * lanes with {@value VectorProducts#TILE_TOKENS} tokens or with one.
 *
 * <p>The compiler stops inlining where a method grows beyond its budget, and each vector that
 * crosses a call is then an object, which is ten times slower. Hence loops rather than code written
 * out, and sums that go through an array from one step to the next.
 */
abstract sealed class VectorTiles {
  final MemorySegment weights;
  final int columns;
  final int blockBytes;

  /** {@code [tokens of a tile, lanes]}, what {@link #multiply} returns. */
  final float[] out = new float[TILE_TOKENS * LANES];

  private VectorTiles(Matrix w) {
    weights = w.data();
    columns = w.columns();
    blockBytes = w.dtype().blockBytes();
  }

  /**
   * @param tokens the most that are prepared at once
   */
  static VectorTiles of(Matrix w, int tokens) {
    return switch (w.dtype()) {
      case Q4 -> new Q4(w, tokens);
      case Q8 -> new Q8(w, tokens);
      case BF16 -> new Bf16(w, tokens);
      case F32 -> new F32(w, tokens);
    };
  }

  /** Lays {@code tokens} tokens from {@code first} on down in the form that tiles read. */
  abstract void prepare(MemorySegment x, int first, int tokens);

  /**
   * Products of the rows from {@code row} on with {@code tokens} of those that are prepared.
   *
   * @param tokens {@value VectorProducts#TILE_TOKENS} or 1
   * @return {@code [tokens, lanes]}, valid until the next call
   */
  final float[] multiply(int row, int token, int tokens) {
    long group = (long) (row / GROUP_ROWS) * (columns / BLOCK_COLUMNS) * blockBytes;
    if (tokens == 1) {
      one(group, row % GROUP_ROWS, token);
    } else {
      eight(group, row % GROUP_ROWS, token);
    }
    return out;
  }

  /**
   * @param at where the group of rows begins
   * @param lane the first row in the group
   */
  abstract void one(long at, int lane, int token);

  abstract void eight(long at, int lane, int token);

  /** What both quantized types read of a token. */
  private abstract static sealed class Quantized extends VectorTiles {
    /** Blocks whose sums are kept before they are scaled: few enough for the nearest cache. */
    static final int CHUNK_BLOCKS = 8;

    final int blocks;
    final float[] scales;
    final int[] sums;

    /** {@code [CHUNK_BLOCKS, lanes]} */
    final float[] weightScales = new float[CHUNK_BLOCKS * LANES];

    Quantized(Matrix w, int tokens) {
      super(w);
      blocks = columns / BLOCK_COLUMNS;
      scales = new float[tokens * blocks];
      sums = new int[tokens * blocks];
    }

    @Override
    final void prepare(MemorySegment x, int first, int tokens) {
      for (int t = 0; t < tokens; t++) {
        long row = (first + t) * QuantizedRows.stride(columns);
        long scalesAt = row + QuantizedRows.scales(columns);
        long sumsAt = row + QuantizedRows.sums(columns);
        MemorySegment.copy(x, JAVA_FLOAT, scalesAt, scales, t * blocks, blocks);
        MemorySegment.copy(x, JAVA_INT, sumsAt, sums, t * blocks, blocks);
        prepareQuants(x, row, t);
      }
    }

    abstract void prepareQuants(MemorySegment x, long row, int token);

    @Override
    final void one(long at, int lane, int token) {
      multiply(at, lane, token, 1);
    }

    @Override
    final void eight(long at, int lane, int token) {
      multiply(at, lane, token, TILE_TOKENS);
    }

    private void multiply(long at, int lane, int token, int tokens) {
      Arrays.fill(out, 0);
      for (int b = 0; b < blocks; b += CHUNK_BLOCKS) {
        int n = Math.min(CHUNK_BLOCKS, blocks - b);
        long chunk = at + (long) b * blockBytes;
        for (int i = 0; i < n; i++) {
          Vectors.loadHalves(weights, chunk + (long) i * blockBytes + lane * 2L)
              .intoArray(weightScales, i * LANES);
        }
        if (tokens == 1) {
          sumOne(chunk, lane, token * blocks + b, n);
        } else {
          sumEight(chunk, lane, token * blocks + b, n);
        }
        for (int t = 0; t < tokens; t++) {
          addTo(t * LANES, t * CHUNK_BLOCKS * LANES, (token + t) * blocks + b, n);
        }
      }
    }

    /**
     * Sums of products of quants, block by block: {@code [tokens of a tile, CHUNK_BLOCKS, lanes]}.
     *
     * @param at the first block of the weights
     * @param block the first block of the first token
     * @param n blocks
     */
    abstract void sumOne(long at, int lane, int block, int n);

    abstract void sumEight(long at, int lane, int block, int n);

    /** Adds {@code n} blocks of one token, whose sums lie from {@code sum} on, to its result. */
    abstract void addTo(int result, int sum, int block, int n);
  }

  /**
   * Quants of two columns are multiplied in the halves of an int of 16 bits each, and so summed
   * through a whole block: 16 · 15 · 127 = 30480 fits.
   */
  private static final class Q4 extends Quantized {
    /** Pairs of columns of a block, and as many nibbles of two rows of it. */
    private static final int PAIRS = BLOCK_COLUMNS / 2;

    private static final int NEXT_TOKEN = CHUNK_BLOCKS * 2 * LANES;

    /**
     * {@code [tokens, blocks, PAIRS]}: where the weights' nibbles are those of columns 4j, 16 + 4j,
     * 4j + 1 and 16 + 4j + 1 in turn, and in the upper half of an int those of two columns further.
     */
    private final int[] pairs;

    /** {@code [tokens of a tile, CHUNK_BLOCKS, 2 * lanes]} */
    private final short[] blockSums = new short[TILE_TOKENS * NEXT_TOKEN];

    Q4(Matrix w, int tokens) {
      super(w, tokens);
      pairs = new int[tokens * blocks * PAIRS];
    }

    @Override
    void prepareQuants(MemorySegment x, long row, int token) {
      for (int b = 0; b < blocks; b++) {
        int to = (token * blocks + b) * PAIRS;
        for (int i = 0; i < PAIRS / 2; i++) {
          int four = x.get(JAVA_INT, row + (long) b * BLOCK_COLUMNS + 4L * i);
          int at = to + 4 * (i % 4) + i / 4;
          pairs[at] = ((byte) four & 0xffff) | ((four << 8 >> 8) & 0xffff0000);
          pairs[at + 2] = ((byte) (four >> 8) & 0xffff) | ((four >> 8) & 0xffff0000);
        }
      }
    }

    @Override
    void sumOne(long at, int lane, int block, int n) {
      int x = block * PAIRS;
      for (int b = 0; b < n; b++, at += blockBytes) {
        ShortVector sum = ShortVector.zero(Vectors.SHORTS);
        for (int j = 0; j < 4; j++) {
          ShortVector four = nibbles(at, lane, j);
          for (int k = 0; k < 4; k++, x++) {
            sum = sum.add(four.and((short) 0xf).mul(pair(x)));
            four = four.lanewise(LSHR, 4);
          }
        }
        sum.intoArray(blockSums, b * 2 * LANES);
      }
    }

    @Override
    void sumEight(long at, int lane, int block, int n) {
      int next = blocks * PAIRS;
      int x = block * PAIRS;
      for (int b = 0; b < n; b++, at += blockBytes) {
        ShortVector sum0 = ShortVector.zero(Vectors.SHORTS);
        ShortVector sum1 = sum0;
        ShortVector sum2 = sum0;
        ShortVector sum3 = sum0;
        ShortVector sum4 = sum0;
        ShortVector sum5 = sum0;
        ShortVector sum6 = sum0;
        ShortVector sum7 = sum0;
        for (int j = 0; j < 4; j++) {
          ShortVector four = nibbles(at, lane, j);
          for (int k = 0; k < 4; k++, x++) {
            ShortVector weights = four.and((short) 0xf);
            four = four.lanewise(LSHR, 4);
            sum0 = sum0.add(weights.mul(pair(x)));
            sum1 = sum1.add(weights.mul(pair(x + next)));
            sum2 = sum2.add(weights.mul(pair(x + 2 * next)));
            sum3 = sum3.add(weights.mul(pair(x + 3 * next)));
            sum4 = sum4.add(weights.mul(pair(x + 4 * next)));
            sum5 = sum5.add(weights.mul(pair(x + 5 * next)));
            sum6 = sum6.add(weights.mul(pair(x + 6 * next)));
            sum7 = sum7.add(weights.mul(pair(x + 7 * next)));
          }
        }
        int to = b * 2 * LANES;
        sum0.intoArray(blockSums, to);
        sum1.intoArray(blockSums, to + NEXT_TOKEN);
        sum2.intoArray(blockSums, to + 2 * NEXT_TOKEN);
        sum3.intoArray(blockSums, to + 3 * NEXT_TOKEN);
        sum4.intoArray(blockSums, to + 4 * NEXT_TOKEN);
        sum5.intoArray(blockSums, to + 5 * NEXT_TOKEN);
        sum6.intoArray(blockSums, to + 6 * NEXT_TOKEN);
        sum7.intoArray(blockSums, to + 7 * NEXT_TOKEN);
      }
    }

    @Override
    void addTo(int result, int sum, int block, int n) {
      FloatVector acc = FloatVector.fromArray(Vectors.FLOATS, out, result);
      for (int b = 0; b < n; b++) {
        int at = 2 * (sum + b * LANES);
        IntVector halves = ShortVector.fromArray(Vectors.SHORTS, blockSums, at).reinterpretAsInts();
        IntVector total =
            halves.lanewise(LSHL, 16).lanewise(ASHR, 16).add(halves.lanewise(ASHR, 16));
        FloatVector exact = (FloatVector) total.sub(8 * sums[block + b]).convert(I2F, 0);
        FloatVector scale = FloatVector.fromArray(Vectors.FLOATS, weightScales, b * LANES);
        acc = exact.fma(scale.mul(scales[block + b]), acc);
      }
      acc.intoArray(out, result);
    }

    private ShortVector nibbles(long block, int lane, int j) {
      return Vectors.loadInts(weights, block + 32 + (j * GROUP_ROWS + lane) * 4L)
          .reinterpretAsShorts();
    }

    private ShortVector pair(int index) {
      return IntVector.broadcast(Vectors.INTS, pairs[index]).reinterpretAsShorts();
    }
  }

  /**
   * Quants are multiplied as floats: a sum over a block stays below 2²⁴ and therefore exact, in
   * whatever order it is made.
   */
  private static final class Q8 extends Quantized {
    private final float[] quants;

    private static final int NEXT_TOKEN = CHUNK_BLOCKS * LANES;

    /** {@code [tokens of a tile, CHUNK_BLOCKS, lanes]} */
    private final float[] blockSums = new float[TILE_TOKENS * NEXT_TOKEN];

    Q8(Matrix w, int tokens) {
      super(w, tokens);
      quants = new float[tokens * columns];
    }

    @Override
    void prepareQuants(MemorySegment x, long row, int token) {
      for (int c = 0; c < columns; c += LANES) {
        Vectors.loadBytes(x, row + c).intoArray(quants, token * columns + c);
      }
    }

    @Override
    void sumOne(long at, int lane, int block, int n) {
      int x = block * BLOCK_COLUMNS;
      for (int b = 0; b < n; b++, at += blockBytes) {
        FloatVector sum0 = Vectors.zero();
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        for (int s = 0; s < 8; s++, x += 4) {
          IntVector four = bytes(at, lane, s);
          sum0 = lowest(four).fma(x(x), sum0);
          sum1 = lowest(four.lanewise(LSHR, 8)).fma(x(x + 1), sum1);
          sum2 = lowest(four.lanewise(LSHR, 16)).fma(x(x + 2), sum2);
          sum3 = lowest(four.lanewise(LSHR, 24)).fma(x(x + 3), sum3);
        }
        sum0.add(sum1).add(sum2.add(sum3)).intoArray(blockSums, b * LANES);
      }
    }

    @Override
    void sumEight(long at, int lane, int block, int n) {
      int x = block * BLOCK_COLUMNS;
      for (int b = 0; b < n; b++, at += blockBytes) {
        FloatVector sum0 = Vectors.zero();
        FloatVector sum1 = sum0;
        FloatVector sum2 = sum0;
        FloatVector sum3 = sum0;
        FloatVector sum4 = sum0;
        FloatVector sum5 = sum0;
        FloatVector sum6 = sum0;
        FloatVector sum7 = sum0;
        for (int s = 0; s < 8; s++) {
          IntVector four = bytes(at, lane, s);
          for (int k = 0; k < 4; k++, x++) {
            FloatVector weights = lowest(four);
            four = four.lanewise(LSHR, 8);
            sum0 = weights.fma(x(x), sum0);
            sum1 = weights.fma(x(x + columns), sum1);
            sum2 = weights.fma(x(x + 2 * columns), sum2);
            sum3 = weights.fma(x(x + 3 * columns), sum3);
            sum4 = weights.fma(x(x + 4 * columns), sum4);
            sum5 = weights.fma(x(x + 5 * columns), sum5);
            sum6 = weights.fma(x(x + 6 * columns), sum6);
            sum7 = weights.fma(x(x + 7 * columns), sum7);
          }
        }
        int to = b * LANES;
        sum0.intoArray(blockSums, to);
        sum1.intoArray(blockSums, to + NEXT_TOKEN);
        sum2.intoArray(blockSums, to + 2 * NEXT_TOKEN);
        sum3.intoArray(blockSums, to + 3 * NEXT_TOKEN);
        sum4.intoArray(blockSums, to + 4 * NEXT_TOKEN);
        sum5.intoArray(blockSums, to + 5 * NEXT_TOKEN);
        sum6.intoArray(blockSums, to + 6 * NEXT_TOKEN);
        sum7.intoArray(blockSums, to + 7 * NEXT_TOKEN);
      }
    }

    @Override
    void addTo(int result, int sum, int block, int n) {
      FloatVector acc = FloatVector.fromArray(Vectors.FLOATS, out, result);
      for (int b = 0; b < n; b++) {
        FloatVector biased = FloatVector.fromArray(Vectors.FLOATS, blockSums, sum + b * LANES);
        FloatVector exact = biased.sub(128 * sums[block + b]);
        FloatVector scale = FloatVector.fromArray(Vectors.FLOATS, weightScales, b * LANES);
        acc = exact.fma(scale.mul(scales[block + b]), acc);
      }
      acc.intoArray(out, result);
    }

    private IntVector bytes(long block, int lane, int s) {
      return Vectors.loadInts(weights, block + 32 + (s * GROUP_ROWS + lane) * 4L);
    }

    private static FloatVector lowest(IntVector bytes) {
      return (FloatVector) bytes.and(0xff).convert(I2F, 0);
    }

    private FloatVector x(int index) {
      return Vectors.all(quants[index]);
    }
  }

  /** What both types of floats read of a token. */
  private abstract static sealed class Floats extends VectorTiles {
    final float[] x;

    Floats(Matrix w, int tokens) {
      super(w);
      x = new float[tokens * columns];
    }

    @Override
    final void prepare(MemorySegment from, int first, int tokens) {
      MemorySegment.copy(from, JAVA_FLOAT, 4L * first * columns, x, 0, tokens * columns);
    }

    final FloatVector x(int index) {
      return Vectors.all(x[index]);
    }
  }

  private static final class Bf16 extends Floats {
    Bf16(Matrix w, int tokens) {
      super(w, tokens);
    }

    @Override
    void one(long at, int lane, int token) {
      int from = token * columns;
      FloatVector acc = Vectors.zero();
      for (int c = 0; c < columns; c += 2) {
        IntVector pair = pair(at, lane, c);
        acc = even(pair).fma(x(from + c), acc);
        acc = odd(pair).fma(x(from + c + 1), acc);
      }
      acc.intoArray(out, 0);
    }

    @Override
    void eight(long at, int lane, int token) {
      int from = token * columns;
      FloatVector acc0 = Vectors.zero();
      FloatVector acc1 = acc0;
      FloatVector acc2 = acc0;
      FloatVector acc3 = acc0;
      FloatVector acc4 = acc0;
      FloatVector acc5 = acc0;
      FloatVector acc6 = acc0;
      FloatVector acc7 = acc0;
      for (int c = 0; c < columns; c += 2) {
        IntVector pair = pair(at, lane, c);
        FloatVector even = even(pair);
        acc0 = even.fma(x(from + c), acc0);
        acc1 = even.fma(x(from + columns + c), acc1);
        acc2 = even.fma(x(from + 2 * columns + c), acc2);
        acc3 = even.fma(x(from + 3 * columns + c), acc3);
        acc4 = even.fma(x(from + 4 * columns + c), acc4);
        acc5 = even.fma(x(from + 5 * columns + c), acc5);
        acc6 = even.fma(x(from + 6 * columns + c), acc6);
        acc7 = even.fma(x(from + 7 * columns + c), acc7);
        FloatVector odd = odd(pair);
        acc0 = odd.fma(x(from + c + 1), acc0);
        acc1 = odd.fma(x(from + columns + c + 1), acc1);
        acc2 = odd.fma(x(from + 2 * columns + c + 1), acc2);
        acc3 = odd.fma(x(from + 3 * columns + c + 1), acc3);
        acc4 = odd.fma(x(from + 4 * columns + c + 1), acc4);
        acc5 = odd.fma(x(from + 5 * columns + c + 1), acc5);
        acc6 = odd.fma(x(from + 6 * columns + c + 1), acc6);
        acc7 = odd.fma(x(from + 7 * columns + c + 1), acc7);
      }
      acc0.intoArray(out, 0);
      acc1.intoArray(out, LANES);
      acc2.intoArray(out, 2 * LANES);
      acc3.intoArray(out, 3 * LANES);
      acc4.intoArray(out, 4 * LANES);
      acc5.intoArray(out, 5 * LANES);
      acc6.intoArray(out, 6 * LANES);
      acc7.intoArray(out, 7 * LANES);
    }

    private IntVector pair(long group, int lane, int column) {
      return Vectors.loadInts(weights, group + (column / 2 * GROUP_ROWS + lane) * 4L);
    }

    private static FloatVector even(IntVector pair) {
      return pair.lanewise(LSHL, 16).reinterpretAsFloats();
    }

    private static FloatVector odd(IntVector pair) {
      return pair.and(0xffff0000).reinterpretAsFloats();
    }
  }

  private static final class F32 extends Floats {
    F32(Matrix w, int tokens) {
      super(w, tokens);
    }

    @Override
    void one(long at, int lane, int token) {
      int from = token * columns;
      FloatVector acc = Vectors.zero();
      for (int c = 0; c < columns; c++) {
        acc = weight(at, lane, c).fma(x(from + c), acc);
      }
      acc.intoArray(out, 0);
    }

    @Override
    void eight(long at, int lane, int token) {
      int from = token * columns;
      FloatVector acc0 = Vectors.zero();
      FloatVector acc1 = acc0;
      FloatVector acc2 = acc0;
      FloatVector acc3 = acc0;
      FloatVector acc4 = acc0;
      FloatVector acc5 = acc0;
      FloatVector acc6 = acc0;
      FloatVector acc7 = acc0;
      for (int c = 0; c < columns; c++) {
        FloatVector weight = weight(at, lane, c);
        acc0 = weight.fma(x(from + c), acc0);
        acc1 = weight.fma(x(from + columns + c), acc1);
        acc2 = weight.fma(x(from + 2 * columns + c), acc2);
        acc3 = weight.fma(x(from + 3 * columns + c), acc3);
        acc4 = weight.fma(x(from + 4 * columns + c), acc4);
        acc5 = weight.fma(x(from + 5 * columns + c), acc5);
        acc6 = weight.fma(x(from + 6 * columns + c), acc6);
        acc7 = weight.fma(x(from + 7 * columns + c), acc7);
      }
      acc0.intoArray(out, 0);
      acc1.intoArray(out, LANES);
      acc2.intoArray(out, 2 * LANES);
      acc3.intoArray(out, 3 * LANES);
      acc4.intoArray(out, 4 * LANES);
      acc5.intoArray(out, 5 * LANES);
      acc6.intoArray(out, 6 * LANES);
      acc7.intoArray(out, 7 * LANES);
    }

    private FloatVector weight(long group, int lane, int column) {
      return Vectors.load(weights, group + (column * GROUP_ROWS + lane) * 4L);
    }
  }
}
