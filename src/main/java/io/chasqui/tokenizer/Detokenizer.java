package io.chasqui.tokenizer;

/**
 * Turns the token ids of one output stream into text, as they come. Obtained from {@link
 * Tokenizer#newDetokenizer()}.
 *
 * <p>Everything that {@link #append} returned, followed by {@link #flush}, equals {@link
 * Tokenizer#decode} of the same ids without special tokens. What needs a memory is kept here: an
 * unfinished UTF-8 character between tokens, and whether the leading space that SentencePiece-style
 * vocabularies put before the first word has been taken off.
 *
 * <p>One instance belongs to one request; it is not thread-safe.
 */
public final class Detokenizer {
  private final Tokenizer tokenizer;
  private final boolean skipSpecialTokens;
  private final Utf8Assembler assembler;

  private boolean first = true;
  private int leftToStrip;

  Detokenizer(Tokenizer tokenizer, boolean skipSpecialTokens) {
    this.tokenizer = tokenizer;
    this.skipSpecialTokens = skipSpecialTokens;
    assembler = new Utf8Assembler();
    this.leftToStrip = tokenizer.textDecoder().leadingStrip();
  }

  private Detokenizer(Detokenizer other) {
    tokenizer = other.tokenizer;
    skipSpecialTokens = other.skipSpecialTokens;
    assembler = other.assembler.copy();
    first = other.first;
    leftToStrip = other.leftToStrip;
  }

  /** Another detokenizer that has the same tokens so far, and goes on by itself. */
  public Detokenizer copy() {
    return new Detokenizer(this);
  }

  /**
   * Adds one token and returns the text that it completes, possibly empty. Special tokens
   * contribute nothing.
   *
   * @throws IllegalArgumentException if the id is outside the vocabulary
   */
  public String append(int id) {
    byte[] bytes = tokenizer.bytes(id);
    if (skipSpecialTokens && tokenizer.isSpecial(id)) {
      return "";
    }
    if (first) {
      first = false;
      bytes = tokenizer.textDecoder().firstBytes(tokenizer.token(id), bytes);
    }
    return strip(assembler.append(bytes));
  }

  /**
   * Ends the stream: an unfinished character becomes U+FFFD. The next token appended starts a new
   * text.
   */
  public String flush() {
    String tail = strip(assembler.flush());
    first = true;
    leftToStrip = tokenizer.textDecoder().leadingStrip();
    return tail;
  }

  private String strip(String text) {
    int from = 0;
    while (leftToStrip > 0 && from < text.length()) {
      int codePoint = text.codePointAt(from);
      if (codePoint != tokenizer.textDecoder().strippedCodePoint()) {
        leftToStrip = 0;
      } else {
        leftToStrip--;
        from += Character.charCount(codePoint);
      }
    }
    return text.substring(from);
  }
}
