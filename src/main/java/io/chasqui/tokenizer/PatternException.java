package io.chasqui.tokenizer;

/**
 * A pattern of the model's {@code tokenizer.json} cannot be run over a text: it takes too many
 * steps, or too deep a recursion. The model is at fault, whatever the text is.
 */
public final class PatternException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Longer patterns are not repeated in an error. */
  private static final int LONGEST_EXCERPT = 100;

  private PatternException(String message, Throwable cause) {
    super(message, cause);
  }

  static PatternException tooManySteps(String pattern) {
    return new PatternException(
        "The model's tokenizer.json has the pattern %s, which takes too many steps for this text: correct the pattern, or serve another model."
            .formatted(excerpt(pattern)),
        null);
  }

  static PatternException tooDeep(String pattern, StackOverflowError cause) {
    return new PatternException(
        "The model's tokenizer.json has the pattern %s, which takes too deep a recursion for this text: correct the pattern, or serve another model."
            .formatted(excerpt(pattern)),
        cause);
  }

  static PatternException tooLong(String normalizer) {
    return new PatternException(
        "The model's tokenizer.json has the normalizer %s, which makes this text many times longer: correct the normalizer, or serve another model."
            .formatted(excerpt(normalizer)),
        null);
  }

  private static String excerpt(String text) {
    return "\"%s%s\""
        .formatted(
            Printable.of(text.substring(0, Math.min(text.length(), LONGEST_EXCERPT))),
            text.length() > LONGEST_EXCERPT ? "…" : "");
  }
}
