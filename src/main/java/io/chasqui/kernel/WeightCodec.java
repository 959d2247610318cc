package io.chasqui.kernel;

import static io.chasqui.kernel.DType.BLOCK_COLUMNS;
import static io.chasqui.kernel.DType.GROUP_ROWS;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Turns rows of floats into kernel order and back, one group of 16 rows at a time. Groups follow
 * one another in a matrix; the last is padded with zero rows. All numbers are little endian.
 *
 * <p>A group is a sequence of blocks of 32 columns:
 *
 * <ul>
 *   <li>{@link DType#Q8}: 16 float16 scales (one a row), then for each step s = 0..7 and each row 4
 *       bytes: quant + 128 of columns 4s..4s+3.
 *   <li>{@link DType#Q4}: 16 float16 scales, then for each j = 0..3 and each row 4 bytes; byte b
 *       has quant + 8 of column 4j+b in its low and of column 16+4j+b in its high nibble.
 *   <li>{@link DType#BF16}: for each pair of columns p = 0..15 and each row columns 2p and 2p+1.
 *   <li>{@link DType#F32}: for each column each row.
 * </ul>
 *
 * <p>Quantization is symmetric over a row of a block. The scale is the largest magnitude ÷ 127 (Q8)
 * or the value of largest magnitude ÷ −8 (Q4, so that this value is met exactly), rounded to
 * float16; quants are computed with the rounded scale, to nearest with ties to even, and clamped. A
 * scale that rounds to zero makes all quants of its row zero. BF16 rounds to nearest, ties to even.
 */
public final class WeightCodec {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Bytes of the scales that a quantized block begins with. */
  static final int SCALE_BYTES = GROUP_ROWS * Short.BYTES;

  private WeightCodec() {}

  /**
   * Encodes a group.
   *
   * @param rows {@code [16, columns]} row-major; rows beyond the matrix' end are zero
   * @param group exactly {@code dtype.groupBytes(columns)} bytes, which are all written
   * @throws IllegalArgumentException if a size does not fit, a weight is not finite, or a weight is
   *     too large for a float16 scale
   */
  public static void encode(DType dtype, float[] rows, int columns, MemorySegment group) {
    checkSizes(dtype, rows.length, columns, group);
    for (int row = 0; row < GROUP_ROWS; row++) {
      for (int column = 0; column < columns; column += BLOCK_COLUMNS) {
        int from = row * columns + column;
        long block = (long) column / BLOCK_COLUMNS * dtype.blockBytes();
        switch (dtype) {
          case Q4, Q8 -> encodeQuants(dtype, rows, from, group, block, row);
          case BF16, F32 -> encodeFloats(dtype, rows, from, group, block, row);
        }
      }
    }
  }

  /**
   * Lays down a group whose quants and scales exist already.
   *
   * @param dtype a quantized one
   * @param quants {@code [16, columns]} row-major, without the bias
   * @param scales {@code [16, columns / 32]} row-major; each is rounded to float16
   * @param group exactly {@code dtype.groupBytes(columns)} bytes, which are all written
   * @throws IllegalArgumentException if a size does not fit, a quant is outside the type's range,
   *     or a scale is none that float16 can hold
   */
  public static void encodeQuants(
      DType dtype, byte[] quants, float[] scales, int columns, MemorySegment group) {
    if (!dtype.quantized()) {
      throw new IllegalArgumentException(dtype + " has no quants");
    }
    checkSizes(dtype, quants.length, columns, group);
    int blocks = columns / BLOCK_COLUMNS;
    if (scales.length != GROUP_ROWS * blocks) {
      throw new IllegalArgumentException(
          "%d scales are not %d rows of %d".formatted(scales.length, GROUP_ROWS, blocks));
    }
    for (int row = 0; row < GROUP_ROWS; row++) {
      for (int b = 0; b < blocks; b++) {
        long block = (long) b * dtype.blockBytes();
        putScale(group, block, row, scales[row * blocks + b]);
        putQuants(dtype, quants, row * columns + b * BLOCK_COLUMNS, group, block, row);
      }
    }
  }

  private static void putScale(MemorySegment group, long block, int row, float scale) {
    short half = Float.floatToFloat16(scale);
    if (!Float.isFinite(Float.float16ToFloat(half))) {
      throw new IllegalArgumentException("scale %s does not fit into float16".formatted(scale));
    }
    group.set(SHORT, block + (long) row * Short.BYTES, half);
  }

  private static void putQuants(
      DType dtype, byte[] quants, int from, MemorySegment group, long block, int row) {
    int bias = dtype.bias();
    // Q8 leaves −128 out, so that its range is symmetric.
    int least = dtype == DType.Q4 ? -bias : 1 - bias;
    for (int i = from; i < from + BLOCK_COLUMNS; i++) {
      if (quants[i] < least || quants[i] >= bias) {
        throw new IllegalArgumentException(
            "quant %d is not in %d..%d".formatted(quants[i], least, bias - 1));
      }
    }
    if (dtype == DType.Q8) {
      for (int c = 0; c < BLOCK_COLUMNS; c++) {
        byte biased = (byte) (quants[from + c] + bias);
        group.set(ValueLayout.JAVA_BYTE, block + q8Offset(row, c), biased);
      }
    } else {
      for (int c = 0; c < BLOCK_COLUMNS / 2; c++) {
        int low = quants[from + c] + bias;
        int high = quants[from + BLOCK_COLUMNS / 2 + c] + bias;
        group.set(ValueLayout.JAVA_BYTE, block + q4Offset(row, c), (byte) (low | high << 4));
      }
    }
  }

  /**
   * Decodes a group: what the kernels take the weights to be.
   *
   * @param group exactly {@code dtype.groupBytes(columns)} bytes
   * @param rows {@code [16, columns]} row-major, which are all written
   * @throws IllegalArgumentException if a size does not fit
   */
  public static void decode(DType dtype, MemorySegment group, int columns, float[] rows) {
    checkSizes(dtype, rows.length, columns, group);
    for (int row = 0; row < GROUP_ROWS; row++) {
      for (int column = 0; column < columns; column++) {
        rows[row * columns + column] = weight(dtype, group, row, column);
      }
    }
  }

  /** One weight of the group that {@code group} begins with. */
  static float weight(DType dtype, MemorySegment group, int row, int column) {
    long block = (long) column / BLOCK_COLUMNS * dtype.blockBytes();
    int c = column % BLOCK_COLUMNS;
    return switch (dtype) {
      case Q4, Q8 -> quant(dtype, group, block, row, c) * scale(group, block, row);
      case BF16 -> Float.intBitsToFloat(group.get(SHORT, block + bf16Offset(row, c)) << Short.SIZE);
      case F32 -> group.get(FLOAT, block + f32Offset(row, c));
    };
  }

  /** The scale of a row of a quantized block. */
  static float scale(MemorySegment data, long block, int row) {
    return Float.float16ToFloat(data.get(SHORT, block + (long) row * Short.BYTES));
  }

  /** A quant as it is stored: with {@link DType#bias} added. */
  static int biasedQuant(DType dtype, MemorySegment data, long block, int row, int column) {
    if (dtype == DType.Q8) {
      return data.get(ValueLayout.JAVA_BYTE, block + q8Offset(row, column)) & 0xff;
    }
    int pair = data.get(ValueLayout.JAVA_BYTE, block + q4Offset(row, column));
    return column < BLOCK_COLUMNS / 2 ? pair & 0xf : (pair >> 4) & 0xf;
  }

  private static int quant(DType dtype, MemorySegment data, long block, int row, int column) {
    return biasedQuant(dtype, data, block, row, column) - dtype.bias();
  }

  private static void encodeQuants(
      DType dtype, float[] rows, int from, MemorySegment group, long block, int row) {
    float extreme = extreme(rows, from);
    // 0 − x rather than −x, because the scale of a block of zeros is a positive zero.
    float exact = dtype == DType.Q4 ? 0 - extreme / 8 : Math.abs(extreme) / 127;
    short half = Float.floatToFloat16(exact);
    float scale = Float.float16ToFloat(half);
    if (Float.isInfinite(scale)) {
      throw new IllegalArgumentException(
          "weight %s is too large for a float16 scale: keep this matrix in BF16 or F32"
              .formatted(extreme));
    }
    group.set(SHORT, block + (long) row * Short.BYTES, half);
    if (dtype == DType.Q8) {
      for (int c = 0; c < BLOCK_COLUMNS; c++) {
        int quant = quantize(rows[from + c], scale, -127, 127);
        group.set(ValueLayout.JAVA_BYTE, block + q8Offset(row, c), (byte) (quant + dtype.bias()));
      }
    } else {
      for (int c = 0; c < BLOCK_COLUMNS / 2; c++) {
        int low = quantize(rows[from + c], scale, -8, 7) + dtype.bias();
        int high = quantize(rows[from + BLOCK_COLUMNS / 2 + c], scale, -8, 7) + dtype.bias();
        group.set(ValueLayout.JAVA_BYTE, block + q4Offset(row, c), (byte) (low | high << 4));
      }
    }
  }

  private static void encodeFloats(
      DType dtype, float[] rows, int from, MemorySegment group, long block, int row) {
    for (int c = 0; c < BLOCK_COLUMNS; c++) {
      float weight = checkFinite(rows[from + c], from + c);
      if (dtype == DType.F32) {
        group.set(FLOAT, block + f32Offset(row, c), weight);
      } else {
        group.set(SHORT, block + bf16Offset(row, c), bf16(weight));
      }
    }
  }

  private static float extreme(float[] rows, int from) {
    float extreme = 0;
    for (int i = from; i < from + BLOCK_COLUMNS; i++) {
      if (Math.abs(checkFinite(rows[i], i)) > Math.abs(extreme)) {
        extreme = rows[i];
      }
    }
    return extreme;
  }

  private static float checkFinite(float weight, int index) {
    if (!Float.isFinite(weight)) {
      throw new IllegalArgumentException(
          "weight %s at element %d of the group is not a finite number".formatted(weight, index));
    }
    return weight;
  }

  private static int quantize(float value, float scale, int least, int most) {
    return scale == 0 ? 0 : Math.clamp((long) Math.rint(value / scale), least, most);
  }

  private static short bf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int roundUp = 0x7fff + ((bits >>> Short.SIZE) & 1);
    return (short) ((bits + roundUp) >>> Short.SIZE);
  }

  private static long q8Offset(int row, int column) {
    return SCALE_BYTES + (column / 4 * GROUP_ROWS + row) * 4L + column % 4;
  }

  private static long q4Offset(int row, int column) {
    int c = column % (BLOCK_COLUMNS / 2);
    return SCALE_BYTES + (c / 4 * GROUP_ROWS + row) * 4L + c % 4;
  }

  private static long bf16Offset(int row, int column) {
    return ((column / 2 * GROUP_ROWS + row) * 2L + column % 2) * Short.BYTES;
  }

  private static long f32Offset(int row, int column) {
    return (column * GROUP_ROWS + row) * (long) Float.BYTES;
  }

  private static void checkSizes(DType dtype, int values, int columns, MemorySegment group) {
    long groupBytes = dtype.groupBytes(columns);
    if (values != (long) GROUP_ROWS * columns) {
      throw new IllegalArgumentException(
          "%d values are not %d rows of %d columns".formatted(values, GROUP_ROWS, columns));
    }
    if (group.byteSize() != groupBytes) {
      throw new IllegalArgumentException(
          "a %s group of %d columns takes %d bytes, not %d"
              .formatted(dtype, columns, groupBytes, group.byteSize()));
    }
  }
}
