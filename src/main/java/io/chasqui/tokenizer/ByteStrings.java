package io.chasqui.tokenizer;

import java.util.Arrays;

/**
 * Byte strings by index, end to end in one array: a vocabulary without an object for each token. An
 * index may have none, which is not the same as an empty one.
 */
final class ByteStrings {
  private final byte[] bytes;

  /** For each index where its string ends in {@link #bytes}, complemented if it has none. */
  private final int[] ends;

  /**
   * Takes finished arrays as they are.
   *
   * @throws IllegalArgumentException if the ends are not in order, or the last one is not the end
   */
  ByteStrings(byte[] bytes, int[] ends) {
    int previous = 0;
    for (int end : ends) {
      int decoded = end < 0 ? ~end : end;
      if (decoded < previous || decoded > bytes.length || (end < 0 && decoded != previous)) {
        throw new IllegalArgumentException("the ends of byte strings are not in order");
      }
      previous = decoded;
    }
    if (previous != bytes.length) {
      throw new IllegalArgumentException(
          "the last byte string ends at " + previous + " of " + bytes.length + " bytes");
    }
    this.bytes = bytes;
    this.ends = ends;
  }

  /** Puts strings end to end; null where an index has none. */
  static ByteStrings of(byte[][] strings) {
    int total = 0;
    for (byte[] string : strings) {
      total = Math.addExact(total, string == null ? 0 : string.length);
    }
    byte[] bytes = new byte[total];
    int[] ends = new int[strings.length];
    int end = 0;
    for (int i = 0; i < strings.length; i++) {
      byte[] string = strings[i];
      if (string != null) {
        System.arraycopy(string, 0, bytes, end, string.length);
        end += string.length;
      }
      ends[i] = string == null ? ~end : end;
    }
    return new ByteStrings(bytes, ends);
  }

  /** The number of indexes. */
  int size() {
    return ends.length;
  }

  /** Whether the index is one that has a string; any int may be asked for. */
  boolean has(int index) {
    return index >= 0 && index < ends.length && ends[index] >= 0;
  }

  /** A copy of the string at an index, or null. */
  byte[] get(int index) {
    return has(index) ? Arrays.copyOfRange(bytes, start(index), ends[index]) : null;
  }

  /** Whether the string at an index that has one equals {@code other}. */
  boolean is(int index, byte[] other) {
    return Arrays.equals(bytes, start(index), ends[index], other, 0, other.length);
  }

  private int start(int index) {
    int end = index == 0 ? 0 : ends[index - 1];
    return end < 0 ? ~end : end;
  }

  /** All strings, end to end; not to be changed. */
  byte[] sharedBytes() {
    return bytes;
  }

  /** The ends as the constructor takes them; not to be changed. */
  int[] sharedEnds() {
    return ends;
  }

  boolean sameAs(ByteStrings other) {
    return Arrays.equals(bytes, other.bytes) && Arrays.equals(ends, other.ends);
  }
}
