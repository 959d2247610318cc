package io.chasqui.kernel;

import java.lang.foreign.MemorySegment;

/**
 * A weight matrix {@code [rows, columns]} in kernel order; see {@link WeightCodec}. An output of
 * this matrix has {@link #paddedRows} elements a token, of which those from {@code rows} on are
 * zero.
 *
 * @param rows outputs for a token
 * @param columns inputs of a token, a multiple of 32
 * @param data native memory (mapped, as a rule) of exactly {@code dtype.bytes(rows, columns)} bytes
 */
public record Matrix(DType dtype, int rows, int columns, MemorySegment data) {
  /**
   * @throws IllegalArgumentException if a dimension is out of range, or {@code data} is on the heap
   *     or of another size than the dimensions ask for
   */
  public Matrix {
    long bytes = dtype.bytes(rows, columns);
    if (data.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "a %s matrix [%d, %d] takes %d bytes, not %d"
              .formatted(dtype, rows, columns, bytes, data.byteSize()));
    }
    if (!data.isNative()) {
      throw new IllegalArgumentException("weights must lie in native memory, not in a Java array");
    }
  }

  /** Groups of 16 rows; row ranges of {@link Kernels} count in these. */
  public int groups() {
    return DType.groups(rows);
  }

  /** Rows with padding: a multiple of 16. */
  public int paddedRows() {
    return groups() * DType.GROUP_ROWS;
  }

  /** Where the weights begin in memory. */
  public long address() {
    return data.address();
  }
}
