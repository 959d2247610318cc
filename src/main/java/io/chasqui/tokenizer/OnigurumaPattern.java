package io.chasqui.tokenizer;

import java.util.Locale;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Compiles the regular expressions of a {@code tokenizer.json}, which are written for Oniguruma's
 * Ruby syntax, with {@link Pattern}, so that they match the same.
 *
 * <p>Classes such as {@code \s}, {@code \w} and {@code [[:alpha:]]} have their Unicode meaning,
 * case-insensitivity too; a dot is everything but a line feed; {@code ^} and {@code $} are the ends
 * of lines; {@code \h} is a hexadecimal digit; {@code (?m)} lets a dot match a line feed; {@code
 * \p{Han}} is a script. Constructs that differ and cannot be rewritten are refused.
 */
public final class OnigurumaPattern {
  /** Longer expressions, or deeper ones, are not what a tokenizer needs. */
  static final int MAX_LENGTH = 8192;

  /** What the translated expressions are compiled with. */
  static final int FLAGS = Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES | Pattern.MULTILINE;

  private static final int MAX_DEPTH = 50;

  private final String source;
  private final StringBuilder target = new StringBuilder();
  private int position;
  private int groups;
  private int classes;

  private OnigurumaPattern(String source) {
    this.source = source;
  }

  /**
   * Translates and compiles.
   *
   * @throws IllegalArgumentException if the expression is malformed or not supported
   */
  public static Pattern compile(String expression) {
    if (expression.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(
          "a regular expression of " + expression.length() + " characters is too long");
    }
    String translated = new OnigurumaPattern(expression).translate();
    try {
      return compileChecked(translated, FLAGS);
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(
          "the regular expression \"" + expression + "\" is malformed: " + e.getDescription(), e);
    }
  }

  /**
   * Compiles an expression in the syntax of {@link Pattern}.
   *
   * @throws PatternSyntaxException if it is malformed
   * @throws IllegalArgumentException if it breaks a rule of {@link PatternRules}
   */
  static Pattern compileChecked(String translated, int flags) {
    Pattern pattern = Pattern.compile(translated, flags);
    if ((flags & Pattern.LITERAL) == 0) {
      PatternRules.check(translated);
    }
    return pattern;
  }

  private String translate() {
    while (position < source.length()) {
      char character = source.charAt(position);
      switch (character) {
        case '\\' -> escape();
        case '[' -> openClass();
        case ']' -> {
          classes = Math.max(0, classes - 1);
          copy(1);
        }
        case '(' -> openGroup();
        case ')' -> {
          groups -= classes == 0 ? 1 : 0;
          copy(1);
        }
        case '{' -> interval();
        default -> copy(1);
      }
    }
    return target.toString();
  }

  private void copy(int length) {
    int end = Math.min(source.length(), position + length);
    target.append(source, position, end);
    position = end;
  }

  private void escape() {
    if (position + 1 == source.length()) {
      throw unsupported("a backslash at the end");
    }
    char escaped = source.charAt(position + 1);
    switch (escaped) {
      case 'h' -> replace(2, classes > 0 ? "0-9a-fA-F" : "[0-9a-fA-F]");
      case 'H' -> replace(2, "[^0-9a-fA-F]");
      case 'p', 'P' -> property();
      case 'Q', 'E' -> replace(2, String.valueOf(escaped));
      case 'G', 'K', 'X', 'R', 'k', 'g', 'y', 'Y', 'O', 'N', 'v', 'V' ->
          throw unsupported("\\" + escaped);
      default -> copy(1 + Character.charCount(source.codePointAt(position + 1)));
    }
  }

  private void replace(int length, String by) {
    target.append(by);
    position += length;
  }

  private void property() {
    int close = source.indexOf('}', position);
    if (!source.startsWith("{", position + 2) || close < 0) {
      throw unsupported("\\p without a name in braces");
    }
    boolean negated = source.charAt(position + 1) == 'P';
    String name = source.substring(position + 3, close);
    if (name.startsWith("^")) {
      negated = !negated;
      name = name.substring(1);
    }
    target.append(negated ? "\\P{" : "\\p{").append(javaProperty(name)).append('}');
    position = close + 1;
  }

  private String javaProperty(String name) {
    if (name.matches("[A-Z][a-z]?")) {
      return name;
    }
    String posix = posixClass(name);
    if (posix != null) {
      return posix;
    }
    try {
      return "script=" + Character.UnicodeScript.forName(name);
    } catch (IllegalArgumentException e) {
      throw unsupported("\\p{" + name + "}");
    }
  }

  private static String posixClass(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "alpha" -> "Alpha";
      case "digit" -> "Digit";
      case "alnum" -> "Alnum";
      case "upper" -> "Upper";
      case "lower" -> "Lower";
      case "space" -> "IsWhite_Space";
      case "cntrl" -> "Cntrl";
      default -> null;
    };
  }

  private void openClass() {
    if (classes > 0 && source.startsWith("[:", position)) {
      posixBracket();
      return;
    }
    if (++classes > MAX_DEPTH) {
      throw unsupported("so deep a nesting of character classes");
    }
    copy(1);
    if (source.startsWith("^", position)) {
      copy(1);
    }
    if (source.startsWith("]", position)) {
      replace(1, "\\]");
    }
  }

  private void posixBracket() {
    int close = source.indexOf(":]", position);
    if (close < 0) {
      throw unsupported("[: without :]");
    }
    String name = source.substring(position + 2, close);
    boolean negated = name.startsWith("^");
    String posix = posixClass(negated ? name.substring(1) : name);
    if (posix == null) {
      throw unsupported("[:" + name + ":]");
    }
    target.append(negated ? "\\P{" : "\\p{").append(posix).append('}');
    position = close + 2;
  }

  private void openGroup() {
    if (classes > 0) {
      copy(1);
      return;
    }
    if (++groups > MAX_DEPTH) {
      throw unsupported("so deep a nesting of groups");
    }
    copy(1);
    if (!source.startsWith("?", position)) {
      return;
    }
    int end = position + 1;
    while (end < source.length() && "imx-".indexOf(source.charAt(end)) >= 0) {
      end++;
    }
    if (end > position + 1 && end < source.length() && ":)".indexOf(source.charAt(end)) >= 0) {
      // Ruby's m is what others call s.
      target.append(source.substring(position, end).replace('m', 's'));
      position = end;
    } else if (source.startsWith("?~", position)
        || source.startsWith("?(", position)
        || source.startsWith("?@", position)) {
      throw unsupported("(" + source.substring(position, position + 2));
    }
  }

  private void interval() {
    int close = source.indexOf('}', position);
    if (classes > 0) {
      // Java would read some braces inside a class as part of an escape; a plain one is plain.
      replace(1, "\\{");
      return;
    }
    String body = close < 0 ? "" : source.substring(position + 1, close);
    if (!body.matches("\\d{0,5},?\\d{0,5}") || body.isEmpty() || body.equals(",")) {
      replace(1, "\\{");
      return;
    }
    if (source.startsWith("+", close + 1)) {
      throw unsupported("a repetition {" + body + "} repeated with +");
    }
    target.append('{').append(body.startsWith(",") ? "0" : "").append(body).append('}');
    position = close + 1;
  }

  private IllegalArgumentException unsupported(String what) {
    return new IllegalArgumentException(
        "the regular expression \"" + source + "\" uses " + what + ", which is not supported");
  }
}
