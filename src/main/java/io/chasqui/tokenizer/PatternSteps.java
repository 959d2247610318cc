package io.chasqui.tokenizer;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Counts the steps that a model's patterns take for one text, and ends a match that takes too many.
 * {@link java.util.regex} reads every character of its input through {@link CharSequence#charAt};
 * each such reading is a step. {@link PatternRules} refuses the patterns that could go on for long
 * without one.
 */
public final class PatternSteps {
  /** The patterns of known models read a character 4 times. */
  private static final int PER_CHARACTER = 512;

  /** What a short text may take. */
  private static final int AT_LEAST = 1 << 20;

  /** A character that a replacement adds costs memory, and the steps of all that follow. */
  private static final int PER_ADDED_CHARACTER = 32;

  private final long allowed;
  private long left;

  private PatternSteps(long allowed) {
    this.allowed = allowed;
    this.left = allowed;
  }

  /** The steps that patterns may take for texts that have so many characters together. */
  static PatternSteps forCharacters(long characters) {
    return new PatternSteps(AT_LEAST + PER_CHARACTER * characters);
  }

  /** Steps that were taken until now. */
  long taken() {
    return allowed - left;
  }

  /** A matcher whose steps count. */
  Matcher matcher(Pattern pattern, String text) {
    return pattern.matcher(new Counted(text, pattern.pattern()));
  }

  /**
   * Counts the characters by which a normalizer has made a text longer.
   *
   * @param what adds them, as an error would name it
   * @throws PatternException if all in all they are too many
   */
  void lengthened(int from, int to, String what) {
    if (to > from) {
      left -= (long) PER_ADDED_CHARACTER * (to - from);
      if (left < 0) {
        throw PatternException.tooLong(what);
      }
    }
  }

  private final class Counted implements CharSequence {
    private final String text;
    private final String pattern;

    Counted(String text, String pattern) {
      this.text = text;
      this.pattern = pattern;
    }

    @Override
    public char charAt(int index) {
      if (--left < 0) {
        throw PatternException.tooManySteps(pattern);
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.substring(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
