package io.chasqui.tokenizer;

/** Texts from files, fit for a line of a log and for a terminal. */
public final class Printable {
  private Printable() {}

  /** Whether a character neither breaks a line nor controls how others are shown. */
  public static boolean is(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }

  /** The text with each other character as its number: {@code \x{a}} for a line feed. */
  public static String of(String text) {
    var result = new StringBuilder(text.length());
    text.codePoints()
        .forEach(c -> {
          if (is(c)) {
            result.appendCodePoint(c);
          } else {
            result.append("\\x{").append(Integer.toHexString(c)).append('}');
          }
        });
    return result.toString();
  }
}
