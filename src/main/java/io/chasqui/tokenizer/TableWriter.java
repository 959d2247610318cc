package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Writes what {@link TableReader} reads. */
final class TableWriter {
  private ByteBuffer out = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);

  void flag(boolean value) {
    integer(value ? 1 : 0);
  }

  void integer(int value) {
    room(Integer.BYTES).putInt(value);
  }

  /**
   * Writes a text.
   *
   * @throws IllegalArgumentException if it has a lone surrogate
   */
  void text(String text) {
    if (Characters.indexOfLoneSurrogate(text) >= 0) {
      throw new IllegalArgumentException("\"" + text + "\" has a lone surrogate");
    }
    bytes(text.getBytes(UTF_8));
  }

  void bytes(byte[] values) {
    integer(values.length);
    room(values.length).put(values);
  }

  void ints(int[] values) {
    integer(values.length);
    long bytes = (long) values.length * Integer.BYTES;
    int begin = room(bytes).position();
    out.asIntBuffer().put(values);
    out.position(begin + (int) bytes);
  }

  void longs(long[] values) {
    integer(values.length);
    long bytes = (long) values.length * Long.BYTES;
    int begin = room(bytes).position();
    out.asLongBuffer().put(values);
    out.position(begin + (int) bytes);
  }

  byte[] toByteArray() {
    return Arrays.copyOf(out.array(), out.position());
  }

  private ByteBuffer room(long bytes) {
    if (bytes > out.remaining()) {
      int capacity = Math.toIntExact(Math.max(2L * out.capacity(), out.position() + bytes));
      out =
          ByteBuffer.wrap(Arrays.copyOf(out.array(), capacity))
              .order(ByteOrder.LITTLE_ENDIAN)
              .position(out.position());
    }
    return out;
  }
}
