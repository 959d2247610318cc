package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;

/**
 * Reads numbers, texts and arrays one after another; the forms are those of {@link
 * TokenizerFormat}. Nothing is allocated before it is known to be there. What is malformed is an
 * {@link IllegalArgumentException}.
 */
final class TableReader {
  private final ByteBuffer section;

  TableReader(ByteBuffer section) {
    this.section = section.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** How many bytes have been read. */
  int position() {
    return section.position();
  }

  int integer() {
    require(1, Integer.BYTES);
    return section.getInt();
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
    if (count < 0 || count > section.remaining() / Integer.BYTES) {
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
    require(length, Byte.BYTES);
    byte[] values = new byte[length];
    section.get(values);
    return values;
  }

  int[] ints() {
    int length = integer();
    require(length, Integer.BYTES);
    int[] values = new int[length];
    section.asIntBuffer().get(values);
    section.position(section.position() + length * Integer.BYTES);
    return values;
  }

  long[] longs() {
    int length = integer();
    require(length, Long.BYTES);
    long[] values = new long[length];
    section.asLongBuffer().get(values);
    section.position(section.position() + length * Long.BYTES);
    return values;
  }

  void requireEnd() {
    if (section.hasRemaining()) {
      throw new IllegalArgumentException(section.remaining() + " bytes follow after the end");
    }
  }

  private void require(int count, int elementBytes) {
    if (count < 0 || (long) count * elementBytes > section.remaining()) {
      throw new IllegalArgumentException(
          "%d elements of %d bytes do not fit into the %d bytes that are left"
              .formatted(count, elementBytes, section.remaining()));
    }
  }
}
