package io.chasqui.tokenizer;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a text into the pieces inside which merges happen: the {@code pre_tokenizer} of a {@code
 * tokenizer.json}.
 */
public sealed interface PreTokenizer {

  /** Receives the pieces in order; {@code atStart} tells whether a piece begins the whole text. */
  @FunctionalInterface
  interface Sink {
    void accept(String piece, boolean atStart);
  }

  /**
   * Cuts one piece into smaller ones; empty ones are not passed on.
   *
   * @param atStart whether the piece begins the whole text
   * @param steps what patterns may still do
   * @throws PatternException if a pattern cannot be run over the piece
   */
  void split(String piece, boolean atStart, PatternSteps steps, Sink sink);

  /** Whether the pieces reach the model as bytes, written in GPT-2's byte alphabet. */
  default boolean byteLevel() {
    return false;
  }

  /** Each pre-tokenizer cuts the pieces of the one before it. */
  record Sequence(List<PreTokenizer> preTokenizers) implements PreTokenizer {
    /**
     * Checks and copies.
     *
     * @throws IllegalArgumentException if a byte-level pre-tokenizer is not the last: the others
     *     would cut its alphabet instead of the text
     */
    public Sequence {
      preTokenizers = List.copyOf(preTokenizers);
      for (int i = 0; i < preTokenizers.size() - 1; i++) {
        if (preTokenizers.get(i).byteLevel()) {
          throw new IllegalArgumentException("ByteLevel must be the last pre-tokenizer");
        }
      }
    }

    @Override
    public void split(String piece, boolean atStart, PatternSteps steps, Sink sink) {
      split(0, piece, atStart, steps, sink);
    }

    private void split(int stage, String piece, boolean atStart, PatternSteps steps, Sink sink) {
      if (stage == preTokenizers.size()) {
        sink.accept(piece, atStart);
      } else {
        preTokenizers
            .get(stage)
            .split(
                piece,
                atStart,
                steps,
                (part, partAtStart) -> split(stage + 1, part, partAtStart, steps, sink));
      }
    }

    @Override
    public boolean byteLevel() {
      return !preTokenizers.isEmpty() && preTokenizers.getLast().byteLevel();
    }
  }

  /** What becomes of the matches of a {@link Split}. */
  enum Behavior {
    /** Each match is a piece. */
    ISOLATED,
    /** Matches are dropped. */
    REMOVED,
    /** A match belongs to the text before it. */
    MERGED_WITH_PREVIOUS,
    /** A match belongs to the text after it. */
    MERGED_WITH_NEXT,
    /** Neighbouring matches are one piece. */
    CONTIGUOUS
  }

  /**
   * Cuts at the matches of a pattern.
   *
   * @param pattern what is matched
   * @param behavior what becomes of the matches
   * @param invert whether the text between matches is treated as match, and matches as text
   */
  record Split(Pattern pattern, Behavior behavior, boolean invert) implements PreTokenizer {

    /** Runs of digits, or each digit, by themselves. */
    public static Split digits(boolean individual) {
      Pattern numeric = Pattern.compile("\\p{N}");
      return new Split(numeric, individual ? Behavior.ISOLATED : Behavior.CONTIGUOUS, false);
    }

    @Override
    public void split(String piece, boolean atStart, PatternSteps steps, Sink sink) {
      var segments = new Segments(piece, atStart, sink, this);
      Matcher matcher = steps.matcher(pattern, piece);
      int end = 0;
      int from = 0;
      boolean matched = false;
      while (from <= piece.length() && find(matcher, from)) {
        if (matched && matcher.end() == end && matcher.start() == end) {
          // An empty match right after a match would not advance.
          from += from < piece.length() ? Character.charCount(piece.codePointAt(from)) : 1;
          continue;
        }
        segments.add(matcher.start(), false);
        segments.add(matcher.end(), true);
        matched = true;
        end = matcher.end();
        from = end;
      }
      segments.add(piece.length(), false);
      segments.finish();
    }

    private boolean find(Matcher matcher, int from) {
      try {
        return matcher.find(from);
      } catch (StackOverflowError e) {
        // java.util.regex recurses for a repeated group; no known model's patterns make it do so.
        throw PatternException.tooDeep(pattern.pattern(), e);
      }
    }
  }

  /**
   * GPT-2's byte-level pre-tokenizer.
   *
   * @param addPrefixSpace whether a space is put before a piece that does not start with one
   * @param useRegex whether the piece is cut by GPT-2's pattern
   */
  record ByteLevel(boolean addPrefixSpace, boolean useRegex) implements PreTokenizer {
    private static final Split GPT2 =
        new Split(
            OnigurumaPattern.compile(
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"),
            Behavior.ISOLATED,
            false);

    @Override
    public void split(String piece, boolean atStart, PatternSteps steps, Sink sink) {
      String spaced = addPrefixSpace && !piece.startsWith(" ") ? " " + piece : piece;
      if (useRegex) {
        GPT2.split(spaced, atStart, steps, sink);
      } else {
        sink.accept(spaced, atStart);
      }
    }

    @Override
    public boolean byteLevel() {
      return true;
    }
  }

  /** When {@link Metaspace} puts its replacement before a piece that does not start with it. */
  enum PrependScheme {
    /** Before every piece. */
    ALWAYS,
    /** Before the piece that begins the whole text. */
    FIRST,
    /** Never. */
    NEVER
  }

  /**
   * SentencePiece's treatment of spaces.
   *
   * @param replacement the code point that stands for a space, usually U+2581
   * @param scheme when it is put before a piece
   * @param split whether the text is cut before each of them
   */
  record Metaspace(int replacement, PrependScheme scheme, boolean split) implements PreTokenizer {
    @Override
    public void split(String piece, boolean atStart, PatternSteps steps, Sink sink) {
      String mark = Character.toString(replacement);
      String text = piece.replace(" ", mark);
      boolean prepends =
          scheme == PrependScheme.ALWAYS || (scheme == PrependScheme.FIRST && atStart);
      if (prepends && !text.startsWith(mark)) {
        text = mark + text;
      }
      if (split) {
        Pattern cut = Pattern.compile(mark, Pattern.LITERAL);
        new Split(cut, Behavior.MERGED_WITH_NEXT, false).split(text, atStart, steps, sink);
      } else {
        sink.accept(text, atStart);
      }
    }
  }
}
