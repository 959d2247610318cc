package io.chasqui.tokenizer;

/**
 * Refuses patterns that {@link java.util.regex} could run for long without reading a character of
 * the text, so that {@link PatternSteps} would not notice. No known tokenizer has one.
 *
 * <p>Between two readings a matcher can only choose: among alternatives that match nothing, or
 * whether to repeat what matches nothing. The ways through all choices are counted; a repetition of
 * what matches nothing is refused unless it is {@code ?}. A lookbehind tries each of its widths,
 * which are counted too.
 *
 * <p>Reads the syntax of {@link java.util.regex.Pattern} that such a pattern compiles with. What it
 * would have to read in another way than that class is refused as well: comments, quotations, and a
 * bracket that only its place makes a character.
 */
final class PatternRules {
  /** No known pattern has more than one. */
  private static final long MAX_SILENT_WAYS = 16;

  private static final long MAX_LOOKBEHIND = 255;
  private static final int MAX_DEPTH = 64;
  private static final long ENDLESS = Integer.MAX_VALUE;

  private final String expression;
  private int position;
  private int depth;
  private boolean behind;
  private long silentWays = 1;

  private PatternRules(String expression) {
    this.expression = expression;
  }

  /**
   * Checks a pattern that {@link java.util.regex.Pattern} has compiled.
   *
   * @throws IllegalArgumentException naming what it has that is refused
   */
  static void check(String expression) {
    var rules = new PatternRules(expression);
    if (!rules.understands()) {
      throw rules.unsupported("a construct that no known tokenizer has");
    }
  }

  /**
   * What a part of a pattern matches.
   *
   * @param isEmpty whether it can match nothing
   * @param isAssertion whether it can match nothing else
   * @param width the most characters that it matches
   */
  private record Part(boolean isEmpty, boolean isAssertion, long width) {
    static final Part CHARACTER = new Part(false, false, 1);
    static final Part ASSERTION = new Part(true, true, 0);
    static final Part OF_ANY_WIDTH = new Part(false, false, ENDLESS);

    /** Of an inline flag, which is not repeated. */
    static final Part NOTHING = new Part(true, false, 0);
  }

  /** Whether it was read to its end: what compiles and is not would be read in a wrong way. */
  private boolean understands() {
    try {
      alternatives();
      return position == expression.length();
    } catch (IndexOutOfBoundsException e) {
      return false;
    }
  }

  /** Up to the end, or the parenthesis that closes the group. */
  private Part alternatives() {
    int empty = 0;
    long width = 0;
    do {
      Part alternative = sequence();
      empty += alternative.isEmpty() ? 1 : 0;
      width = Math.max(width, alternative.width());
    } while (skip("|"));
    choose(Math.max(1, empty));
    return new Part(empty > 0, false, width);
  }

  private Part sequence() {
    boolean isEmpty = true;
    long width = 0;
    while (position < expression.length() && "|)".indexOf(expression.charAt(position)) < 0) {
      Part part = repeated(part());
      isEmpty &= part.isEmpty();
      width = Math.min(ENDLESS, width + part.width());
    }
    return new Part(isEmpty, false, width);
  }

  private Part repeated(Part part) {
    Part result = part;
    while (position < expression.length()) {
      boolean canBeNone = true;
      long times = 1;
      switch (expression.charAt(position)) {
        case '?' -> position++;
        case '*', '+' -> {
          canBeNone = expression.charAt(position++) == '*';
          times = ENDLESS;
        }
        case '{' -> {
          int close = expression.indexOf('}', position);
          String[] bounds = expression.substring(position + 1, close).split(",", -1);
          canBeNone = number(bounds[0]) == 0;
          times = number(bounds[bounds.length - 1]);
          position = close + 1;
        }
        default -> {
          return result;
        }
      }
      if (!skip("?")) {
        skip("+");
      }
      if (result.isEmpty()) {
        if (times > 1) {
          throw unsupported("a repetition of what can match nothing");
        }
        choose(2);
      }
      result =
          new Part(result.isEmpty() || canBeNone, false, Math.min(ENDLESS, times * result.width()));
    }
    return result;
  }

  /** The most that a bound may be where it is left out, or too large for anything. */
  private static long number(String bound) {
    return bound.matches("\\d{1,9}") ? Long.parseLong(bound) : ENDLESS;
  }

  private Part part() {
    int character = expression.codePointAt(position);
    position += Character.charCount(character);
    return switch (character) {
      case '^', '$' -> Part.ASSERTION;
      case '\\' -> escape();
      case '[' -> characterClass();
      case '(' -> group();
      default -> Part.CHARACTER;
    };
  }

  private Part escape() {
    int character = expression.codePointAt(position);
    position += Character.charCount(character);
    switch (character) {
      case 'b', 'B', 'A', 'z', 'Z', 'G' -> {
        skip("{g}");
        return Part.ASSERTION;
      }
      case 'p', 'P', 'x', 'N' -> skipThrough('{', '}');
      case 'k' -> {
        skipThrough('<', '>');
        return Part.OF_ANY_WIDTH;
      }
      case 'X', 'R', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> {
        return Part.OF_ANY_WIDTH;
      }
      case 'c' -> position++;
      case 'Q' -> throw unsupported("a quotation");
      default -> {
        // One character; the digits of an octal or a hexadecimal number count as some more.
      }
    }
    return Part.CHARACTER;
  }

  private void skipThrough(char open, char close) {
    if (position < expression.length() && expression.charAt(position) == open) {
      position = expression.indexOf(close, position) + 1;
    }
  }

  private Part characterClass() {
    int open = 1;
    boolean isFirst = true;
    while (open > 0) {
      boolean atFirst = isFirst;
      isFirst = false;
      char character = expression.charAt(position++);
      switch (character) {
        case '\\' -> {
          escape();
        }
        case '[' -> {
          open++;
          isFirst = true;
        }
        case '^' -> isFirst = atFirst;
        case '&' -> {
          while (skip("&")) {
            isFirst = true;
          }
        }
        case ']' -> {
          if (atFirst) {
            throw unsupported("a bracket ] at the beginning of a class without a backslash");
          }
          open--;
        }
        default -> {
          // A character of the class.
        }
      }
    }
    return Part.CHARACTER;
  }

  private Part group() {
    if (++depth > MAX_DEPTH) {
      throw unsupported("so deep a nesting of groups");
    }
    boolean isAhead = skip("?=") || skip("?!");
    boolean isBehind = !isAhead && (skip("?<=") || skip("?<!"));
    if (!isAhead && !isBehind && skip("?") && !skip(":") && !skip(">")) {
      if (expression.charAt(position) == '<') {
        skipThrough('<', '>');
      } else if (flags()) {
        depth--;
        return Part.NOTHING;
      }
    }
    if (isBehind && behind) {
      throw unsupported("a lookbehind in a lookbehind");
    }
    behind |= isBehind;
    Part body = alternatives();
    behind &= !isBehind;
    position++; // the parenthesis
    depth--;
    if (isBehind && body.width() > MAX_LOOKBEHIND) {
      throw unsupported("a lookbehind of more than " + MAX_LOOKBEHIND + " characters");
    }
    return isAhead || isBehind ? Part.ASSERTION : body;
  }

  /** Whether these flags are no group, but for the rest of the one that they are in. */
  private boolean flags() {
    while (":)".indexOf(expression.charAt(position)) < 0) {
      if (expression.charAt(position++) == 'x') {
        throw unsupported("comments");
      }
    }
    return expression.charAt(position++) == ')';
  }

  private boolean skip(String text) {
    boolean isThere = expression.startsWith(text, position);
    position += isThere ? text.length() : 0;
    return isThere;
  }

  private void choose(long ways) {
    silentWays *= ways;
    if (silentWays > MAX_SILENT_WAYS) {
      throw unsupported("too many choices among what can match nothing");
    }
  }

  private IllegalArgumentException unsupported(String what) {
    return new IllegalArgumentException(
        "the regular expression \"" + expression + "\" uses " + what + ", which is not supported");
  }
}
