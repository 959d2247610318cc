package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;

/**
 * Reads numbers, texts and arrays one after another; the forms are those of {@link
 * TokenizerFormat}. Nothing is allocated before it is known to be there. What is malformed is an
 * {@link IllegalArgumentException}.
 */
final class TableReader {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final MemorySegment section;
  private long position;

  TableReader(MemorySegment section) {
    this.section = section;
  }

  /** How many bytes have been read. */
  long position() {
    return position;
  }

  int integer() {
    return section.get(INT, take(1, Integer.BYTES));
  }

  boolean flag() {
    int value = integer();
    if (value != 0 && value != 1) {
      throw new IllegalArgumentException("a flag must be 0 or 1, not " + value);
    }
    return value == 1;
  }

  /** The number of items in a list. Each takes four bytes at least, so more cannot be there. */
  int count() {
    int count = integer();
    if (count < 0 || count > (section.byteSize() - position) / Integer.BYTES) {
      throw new IllegalArgumentException("a list of " + count + " items does not fit");
    }
    return count;
  }

  String text() {
    byte[] utf8 = bytes();
    try {
      return UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a text is not UTF-8", e);
    }
  }

  <E extends Enum<E>> E named(Class<E> type) {
    return Enum.valueOf(type, text());
  }

  byte[] bytes() {
    int length = integer();
    long from = take(length, Byte.BYTES);
    byte[] values = new byte[length];
    MemorySegment.copy(section, ValueLayout.JAVA_BYTE, from, values, 0, length);
    return values;
  }

  int[] ints() {
    int length = integer();
    long from = take(length, Integer.BYTES);
    int[] values = new int[length];
    MemorySegment.copy(section, INT, from, values, 0, length);
    return values;
  }

  long[] longs() {
    int length = integer();
    long from = take(length, Long.BYTES);
    long[] values = new long[length];
    MemorySegment.copy(section, LONG, from, values, 0, length);
    return values;
  }

  void requireEnd() {
    if (position != section.byteSize()) {
      throw new IllegalArgumentException(
          (section.byteSize() - position) + " bytes follow after the end");
    }
  }

  /** Moves on; returns where it was. */
  private long take(int count, int elementBytes) {
    long bytes = (long) count * elementBytes;
    if (count < 0 || bytes > section.byteSize() - position) {
      throw new IllegalArgumentException(
          "%d elements of %d bytes do not fit into the %d bytes that are left"
              .formatted(count, elementBytes, section.byteSize() - position));
    }
    long from = position;
    position += bytes;
    return from;
  }
}
