package io.chasqui.estimate;

/** How the numbers of a model are stored. */
public enum Precision {
  /** IEEE 754 single precision. */
  F32(128),
  /** IEEE 754 half precision. */
  F16(64),
  /** Upper halves of float32. */
  BF16(64),
  /** 8 bits, and a float16 scale for each block of 32. */
  Q8(34),
  /** 8 bits; the scales of whole rows or tensors do not count. */
  I8(32),
  /** 4 bits, and a float16 scale for each block of 32. */
  Q4(18);

  private static final int BLOCK = 32;

  private final int blockBytes;

  Precision(int blockBytes) {
    this.blockBytes = blockBytes;
  }

  /** Bytes that so many numbers take, rounded up. */
  public long bytes(long numbers) {
    return Math.ceilDiv(Math.multiplyExact(numbers, blockBytes), BLOCK);
  }
}
