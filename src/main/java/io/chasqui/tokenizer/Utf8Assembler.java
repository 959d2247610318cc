package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;

/**
 * Turns a stream of byte chunks into text that never ends in the middle of a code point.
 *
 * <p>A token of a byte-level vocabulary may stand for a part of a character, so its bytes alone are
 * not text. This class holds back an unfinished character (three bytes at most) until its last byte
 * arrives. Whatever cannot be completed any more, because it is malformed (overlong forms, values
 * above U+10FFFF, stray continuation bytes), is released at once as U+FFFD, one for each maximal
 * subpart (Unicode Standard 16.0, section 3.9, and the WHATWG Encoding Standard). A surrogate
 * written as three bytes is one U+FFFD, as Java's decoder has it, not three. The outputs put
 * together always equal {@code new String(allBytes, UTF_8)}.
 *
 * <p>One instance belongs to one request; it is not thread-safe.
 */
public final class Utf8Assembler {
  private static final byte[] NOTHING = {};

  /** Never written to, only replaced. */
  private byte[] pending = NOTHING;

  /** Another assembler that has the same bytes so far, and goes on by itself. */
  Utf8Assembler copy() {
    var copy = new Utf8Assembler();
    copy.pending = pending;
    return copy;
  }

  /**
   * Adds bytes and returns the text that they complete, possibly empty.
   *
   * @param bytes the next bytes of the stream; not changed and not kept
   */
  public String append(byte[] bytes) {
    byte[] all = bytes;
    if (pending.length > 0) {
      all = Arrays.copyOf(pending, pending.length + bytes.length);
      System.arraycopy(bytes, 0, all, pending.length, bytes.length);
    }
    int whole = all.length - unfinished(all);
    pending = whole == all.length ? NOTHING : Arrays.copyOfRange(all, whole, all.length);
    return new String(all, 0, whole, UTF_8);
  }

  /**
   * Ends the stream: returns U+FFFD if a character is unfinished, otherwise an empty string. The
   * assembler is then as new.
   */
  public String flush() {
    String tail = new String(pending, UTF_8);
    pending = NOTHING;
    return tail;
  }

  /** How many bytes at the end begin a character that further bytes could still complete. */
  private static int unfinished(byte[] bytes) {
    int longest = Math.min(3, bytes.length);
    for (int length = 1; length <= longest; length++) {
      int first = bytes[bytes.length - length] & 0xFF;
      if (first < 0x80) {
        return 0;
      }
      if (first >= 0xC0) {
        boolean open =
            sequenceLength(first) > length
                && (length == 1 || mayFollow(first, bytes[bytes.length - length + 1] & 0xFF));
        return open ? length : 0;
      }
    }
    return 0;
  }

  /** The length of a character by its first byte; 0 for bytes that never start one. */
  private static int sequenceLength(int first) {
    if (first < 0xC2 || first > 0xF4) {
      return 0;
    }
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  }

  /**
   * Whether the second byte can follow the first one (Unicode Standard, table 3-7). After ED,
   * Java's decoder takes a surrogate's bytes together before it replaces them.
   */
  private static boolean mayFollow(int first, int second) {
    return switch (first) {
      case 0xE0 -> second >= 0xA0;
      case 0xF0 -> second >= 0x90;
      case 0xF4 -> second < 0x90;
      default -> true;
    };
  }
}
