package io.chasqui.tokenizer;

import java.util.Arrays;

/**
 * GPT-2's printable names for the 256 byte values: a byte-level vocabulary writes each byte as one
 * character, printable bytes as themselves and the others, in order, from U+0100 on (function
 * {@code bytes_to_unicode} of OpenAI's GPT-2).
 */
final class ByteAlphabet {
  private static final int[] CHARACTER_OF_BYTE = new int[256];
  private static final int[] BYTE_OF_CHARACTER = new int[0x144];

  static {
    Arrays.fill(BYTE_OF_CHARACTER, -1);
    int next = 0x100;
    for (int value = 0; value < 256; value++) {
      boolean printable =
          (value >= '!' && value <= '~')
              || (value >= 0xA1 && value <= 0xAC)
              || (value >= 0xAE && value <= 0xFF);
      int character = printable ? value : next++;
      CHARACTER_OF_BYTE[value] = character;
      BYTE_OF_CHARACTER[character] = value;
    }
  }

  private ByteAlphabet() {}

  /** The character that stands for a byte value from 0 to 255. */
  static int character(int value) {
    return CHARACTER_OF_BYTE[value];
  }

  /** The bytes that a piece stands for, or null if one of its characters is not in the alphabet. */
  static byte[] bytes(String piece) {
    byte[] bytes = new byte[piece.length()];
    for (int i = 0; i < bytes.length; i++) {
      char character = piece.charAt(i);
      int value = character < BYTE_OF_CHARACTER.length ? BYTE_OF_CHARACTER[character] : -1;
      if (value < 0) {
        return null;
      }
      bytes[i] = (byte) value;
    }
    return bytes;
  }
}
