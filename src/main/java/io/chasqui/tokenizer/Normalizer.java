package io.chasqui.tokenizer;

import java.util.List;

/** Rewrites a text before it is split: the {@code normalizer} of a {@code tokenizer.json}. */
public sealed interface Normalizer {

  /**
   * The text rewritten.
   *
   * @param steps what patterns may still do
   * @throws PatternException if a pattern cannot be run over the text, or it becomes far longer
   * @throws IllegalArgumentException if the text cannot be rewritten
   */
  String normalize(String text, PatternSteps steps);

  /** One after the other. */
  record Sequence(List<Normalizer> normalizers) implements Normalizer {
    /** Copies. */
    public Sequence {
      normalizers = List.copyOf(normalizers);
    }

    @Override
    public String normalize(String text, PatternSteps steps) {
      String result = text;
      for (Normalizer normalizer : normalizers) {
        result = normalizer.normalize(result, steps);
      }
      return result;
    }
  }

  /** Puts a prefix before every text that is not empty. */
  record Prepend(String prefix) implements Normalizer {
    @Override
    public String normalize(String text, PatternSteps steps) {
      if (text.isEmpty()) {
        return text;
      }
      steps.lengthened(0, prefix.length(), "Prepend");
      return prefix + text;
    }
  }

  /** Replaces every match of a pattern. */
  record Replace(Replacement replacement) implements Normalizer {
    @Override
    public String normalize(String text, PatternSteps steps) {
      return replacement.apply(text, steps);
    }
  }

  /**
   * One of Unicode's normalization forms, by the JDK's version of Unicode. Hugging Face's library
   * has an older one, and orders some rare combining marks otherwise.
   */
  record Unicode(java.text.Normalizer.Form form) implements Normalizer {
    /** Marks are sorted, which takes the square of their number; real text has fewer than 20. */
    private static final int MAX_MARKS = 1024;

    @Override
    public String normalize(String text, PatternSteps steps) {
      int marks = 0;
      for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
        marks = Characters.isMark(text.codePointAt(i)) ? marks + 1 : 0;
        if (marks > MAX_MARKS) {
          throw new IllegalArgumentException(
              "the text has more than %d combining marks in a row at index %d: leave some out"
                  .formatted(MAX_MARKS, i - MAX_MARKS));
        }
      }
      return java.text.Normalizer.normalize(text, form);
    }
  }

  /** Takes white space off the ends. */
  record Strip(boolean left, boolean right) implements Normalizer {
    @Override
    public String normalize(String text, PatternSteps steps) {
      int from = 0;
      int to = text.length();
      while (left && from < to && Characters.isWhiteSpace(text.charAt(from))) {
        from++;
      }
      while (right && to > from && Characters.isWhiteSpace(text.charAt(to - 1))) {
        to--;
      }
      return text.substring(from, to);
    }
  }

  /** Lower case, each code point by itself, whatever its neighbours and the locale. */
  record Lowercase() implements Normalizer {
    /** The only code point whose lower case is two: i and a combining dot above. */
    private static final int CAPITAL_I_WITH_DOT = 0x130;

    @Override
    public String normalize(String text, PatternSteps steps) {
      var result = new StringBuilder(text.length());
      text.codePoints()
          .forEach(codePoint -> {
            result.appendCodePoint(Character.toLowerCase(codePoint));
            if (codePoint == CAPITAL_I_WITH_DOT) {
              result.append('\u0307');
            }
          });
      return result.toString();
    }
  }
}
