package io.chasqui.tokenizer;

import java.util.List;

/** Rewrites a text before it is split: the {@code normalizer} of a {@code tokenizer.json}. */
public sealed interface Normalizer {

  /** The text rewritten. */
  String normalize(String text);

  /** One after the other. */
  record Sequence(List<Normalizer> normalizers) implements Normalizer {
    /** Copies. */
    public Sequence {
      normalizers = List.copyOf(normalizers);
    }

    @Override
    public String normalize(String text) {
      String result = text;
      for (Normalizer normalizer : normalizers) {
        result = normalizer.normalize(result);
      }
      return result;
    }
  }

  /** Puts a prefix before every text that is not empty. */
  record Prepend(String prefix) implements Normalizer {
    @Override
    public String normalize(String text) {
      return text.isEmpty() ? text : prefix + text;
    }
  }

  /** Replaces every match of a pattern. */
  record Replace(Replacement replacement) implements Normalizer {
    @Override
    public String normalize(String text) {
      return replacement.apply(text);
    }
  }

  /**
   * One of Unicode's normalization forms, by the JDK's version of Unicode. Hugging Face's library
   * has an older one, and orders some rare combining marks otherwise.
   */
  record Unicode(java.text.Normalizer.Form form) implements Normalizer {
    @Override
    public String normalize(String text) {
      return java.text.Normalizer.normalize(text, form);
    }
  }

  /** Takes white space off the ends. */
  record Strip(boolean left, boolean right) implements Normalizer {
    @Override
    public String normalize(String text) {
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
    public String normalize(String text) {
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
