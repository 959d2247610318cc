package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.HexFormat;
import java.util.List;

/**
 * How the pieces of a vocabulary become bytes of text again: the {@code decoder} of a {@code
 * tokenizer.json}, reduced to a table lookup for each token and a rule for the text's beginning.
 */
public sealed interface TextDecoder {

  /**
   * The bytes that a piece stands for anywhere but at the beginning of the text.
   *
   * @param steps what patterns may still do
   * @throws PatternException if a pattern cannot be run over the piece
   */
  byte[] bytes(String piece, PatternSteps steps);

  /** The bytes that a piece stands for as the first token shown. */
  default byte[] firstBytes(String piece, byte[] bytes) {
    return bytes;
  }

  /** How many times {@link #strippedCodePoint} is taken off the beginning of the text. */
  default int leadingStrip() {
    return 0;
  }

  /** The code point that {@link #leadingStrip} speaks of. */
  default int strippedCodePoint() {
    return ' ';
  }

  /**
   * Byte-level pieces (GPT-2, Llama 3, Qwen). A piece with a character outside the byte alphabet
   * stands for its own UTF-8 bytes.
   */
  record ByteLevel() implements TextDecoder {
    @Override
    public byte[] bytes(String piece, PatternSteps steps) {
      byte[] bytes = ByteAlphabet.bytes(piece);
      return bytes != null ? bytes : piece.getBytes(UTF_8);
    }
  }

  /**
   * SentencePiece-style pieces (Llama 2, Mistral): replacements in each piece, {@code <0xNN>} as
   * bytes, and characters taken off the beginning of the whole text.
   *
   * <p>Hugging Face shows every byte of a run of byte tokens that is not valid UTF-8 as U+FFFD;
   * here the bytes are exact and U+FFFD stands only for what is malformed.
   *
   * @param replacements made in each piece, in order
   * @param byteFallback whether {@code <0xNN>} stands for a byte
   * @param strippedCodePoint the code point taken off the beginning of the text
   * @param leadingStrip how many of it at most
   */
  record Pieces(
      List<Replacement> replacements, boolean byteFallback, int strippedCodePoint, int leadingStrip)
      implements TextDecoder {

    /** Checks and copies. */
    public Pieces {
      replacements = List.copyOf(replacements);
    }

    @Override
    public byte[] bytes(String piece, PatternSteps steps) {
      String text = piece;
      for (Replacement replacement : replacements) {
        text = replacement.apply(text, steps);
      }
      if (byteFallback && isByte(text)) {
        return new byte[] {(byte) HexFormat.fromHexDigits(text, 3, 5)};
      }
      return text.getBytes(UTF_8);
    }

    private static boolean isByte(String text) {
      return text.length() == 6
          && text.startsWith("<0x")
          && text.endsWith(">")
          && HexFormat.isHexDigit(text.charAt(3))
          && HexFormat.isHexDigit(text.charAt(4));
    }
  }

  /**
   * Pieces in which one code point stands for a space.
   *
   * @param replacement that code point, usually U+2581
   * @param dropsInFirst whether it is dropped, rather than shown as a space, in the first token
   */
  record Metaspace(int replacement, boolean dropsInFirst) implements TextDecoder {
    @Override
    public byte[] bytes(String piece, PatternSteps steps) {
      return piece.replace(Character.toString(replacement), " ").getBytes(UTF_8);
    }

    @Override
    public byte[] firstBytes(String piece, byte[] bytes) {
      return dropsInFirst
          ? piece.replace(Character.toString(replacement), "").getBytes(UTF_8)
          : bytes;
    }
  }
}
