package io.chasqui.kernel;

import static io.chasqui.kernel.DType.BLOCK_COLUMNS;

/**
 * Layout of quantized activations, which {@link Kernels#quantize} writes and {@link Kernels#matmul}
 * reads with Q4 and Q8 weights. A row holds the quants of one token ({@code int8[columns]}, −127 to
 * 127), then a float scale for each block of 32 columns, then the int32 sum of the block's quants.
 * Rows begin at multiples of {@link #stride}.
 */
public final class QuantizedRows {
  private static final int ALIGNMENT = 64;

  private QuantizedRows() {}

  /**
   * Bytes from the beginning of one row to the next: a multiple of 64.
   *
   * @throws IllegalArgumentException if {@code columns} is not a positive multiple of 32
   */
  public static long stride(int columns) {
    long bytes = sums(columns) + scaleBytes(columns);
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /** Bytes of {@code m} rows. */
  public static long bytes(int m, int columns) {
    return m * stride(columns);
  }

  /** Offset of the scales in a row. */
  static long scales(int columns) {
    return columns;
  }

  /** Offset of the sums in a row. */
  static long sums(int columns) {
    return columns + scaleBytes(columns);
  }

  private static long scaleBytes(int columns) {
    if (columns <= 0 || columns % BLOCK_COLUMNS != 0) {
      throw new IllegalArgumentException(
          "columns must be a positive multiple of " + BLOCK_COLUMNS + ", not " + columns);
    }
    return (long) columns / BLOCK_COLUMNS * Float.BYTES;
  }
}
