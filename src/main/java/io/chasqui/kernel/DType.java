package io.chasqui.kernel;

/**
 * How the numbers of a weight matrix are stored. Rows are kept in groups of {@value #GROUP_ROWS},
 * each group in blocks of {@value #BLOCK_COLUMNS} columns; {@link WeightCodec} has the byte order
 * inside a block.
 */
public enum DType {
  /** 4-bit quants −8..7 with a float16 scale for each row of a block: 4.5 bits a weight. */
  Q4(0, 288, 8),
  /** 8-bit quants −127..127 with a float16 scale for each row of a block: 8.5 bits a weight. */
  Q8(1, 544, 128),
  /** Upper halves of float32. */
  BF16(2, 1024, 0),
  /** IEEE 754 single precision. */
  F32(3, 2048, 0);

  /** Rows of a group: the lanes of the widest vector of floats. A matrix is padded to it. */
  public static final int GROUP_ROWS = 16;

  /** Columns of a block, which share a scale in the quantized types. */
  public static final int BLOCK_COLUMNS = 32;

  private final int code;
  private final int blockBytes;
  private final int bias;

  DType(int code, int blockBytes, int bias) {
    this.code = code;
    this.blockBytes = blockBytes;
    this.bias = bias;
  }

  /** {@code enum chasqui_dtype} of chasqui.h. */
  public int code() {
    return code;
  }

  /** Bytes of one block: 16 rows by 32 columns with their scales. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether activations are quantized too, so that products are summed in integers. */
  public boolean quantized() {
    return bias != 0;
  }

  /** What is added to a quant to store it without a sign; 0 for the types that are floats. */
  int bias() {
    return bias;
  }

  /**
   * Bytes of one group of 16 rows.
   *
   * @throws IllegalArgumentException if {@code columns} is not a positive multiple of 32
   */
  public long groupBytes(int columns) {
    if (columns <= 0 || columns % BLOCK_COLUMNS != 0) {
      throw new IllegalArgumentException(
          "columns must be a positive multiple of " + BLOCK_COLUMNS + ", not " + columns);
    }
    return (long) columns / BLOCK_COLUMNS * blockBytes;
  }

  /**
   * Bytes of a matrix {@code [rows, columns]}, its rows padded to whole groups.
   *
   * @throws IllegalArgumentException if {@code rows} is not positive or {@code columns} is not a
   *     positive multiple of 32
   */
  public long bytes(int rows, int columns) {
    return groups(rows) * groupBytes(columns);
  }

  /** Groups of 16 rows that hold {@code rows} rows. */
  static int groups(int rows) {
    if (rows <= 0 || rows > Integer.MAX_VALUE - GROUP_ROWS) {
      throw new IllegalArgumentException("rows must be positive, not " + rows);
    }
    return (rows + GROUP_ROWS - 1) / GROUP_ROWS;
  }
}
