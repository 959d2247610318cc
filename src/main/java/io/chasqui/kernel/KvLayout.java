package io.chasqui.kernel;

/**
 * How keys and values of one layer lie in its KV blocks of {@value #BLOCK_POSITIONS} positions. A
 * block holds for each KV head, one after another: keys {@code [headSize, 16 positions]}, values
 * {@code [16 positions, headSize]}, and for {@link Type#I8} the float scales of the 16 keys and of
 * the 16 values. Its bytes are a multiple of 64.
 *
 * @param kvHeads heads of keys and values; a divisor of the number of query heads
 * @param headSize a multiple of 16, at most {@value #MAX_HEAD_SIZE}
 */
public record KvLayout(Type type, int kvHeads, int headSize) {
  /** Positions of a block. */
  public static final int BLOCK_POSITIONS = 16;

  /** Floats of the largest head. */
  public static final int MAX_HEAD_SIZE = 256;

  /** How a key or value is stored. */
  public enum Type {
    /** Rounded to float16: magnitudes above 65504 become infinite. */
    F16(0, 2),
    /** 8 bits with a float scale for each position and head. */
    I8(1, 1);

    private final int code;
    private final int bytes;

    Type(int code, int bytes) {
      this.code = code;
      this.bytes = bytes;
    }

    /** {@code enum chasqui_kv_type} of chasqui.h. */
    public int code() {
      return code;
    }
  }

  /**
   * @throws IllegalArgumentException if a dimension is out of range
   */
  public KvLayout {
    if (kvHeads <= 0) {
      throw new IllegalArgumentException("kvHeads must be positive, not " + kvHeads);
    }
    if (headSize <= 0 || headSize % 16 != 0 || headSize > MAX_HEAD_SIZE) {
      throw new IllegalArgumentException(
          "headSize must be a multiple of 16 up to " + MAX_HEAD_SIZE + ", not " + headSize);
    }
  }

  /** Bytes of a block of one layer: keys and values of 16 positions. */
  public long blockBytes() {
    return kvHeads * headBytes();
  }

  /** Blocks that hold {@code positions} positions. */
  public static int blocks(int positions) {
    return (positions + BLOCK_POSITIONS - 1) / BLOCK_POSITIONS;
  }

  /** Bytes of one head in a block. */
  long headBytes() {
    long scales = type == Type.I8 ? 2L * BLOCK_POSITIONS * Float.BYTES : 0;
    return 2 * partBytes() + scales;
  }

  /** Bytes of the keys of one head in a block, which its values take too. */
  long partBytes() {
    return (long) headSize * BLOCK_POSITIONS * type.bytes;
  }
}
