package io.chasqui.tokenizer;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Replaces every match of a pattern by a fixed text.
 *
 * @param pattern what is replaced; for a plain text, {@link Pattern#quote} of it
 * @param content what is put in its place, literally
 */
public record Replacement(Pattern pattern, String content) {

  /** Replaces a plain text. */
  public static Replacement literal(String text, String content) {
    return new Replacement(Pattern.compile(text, Pattern.LITERAL), content);
  }

  String apply(String text) {
    return pattern.matcher(text).replaceAll(Matcher.quoteReplacement(content));
  }
}
