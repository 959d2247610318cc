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

  /**
   * The text with its matches replaced.
   *
   * @throws PatternException if the pattern cannot be run over the text, or it becomes far longer
   */
  String apply(String text, PatternSteps steps) {
    Matcher matcher = steps.matcher(pattern, text);
    var result = new StringBuilder();
    int done = 0;
    while (find(matcher)) {
      steps.lengthened(matcher.end() - matcher.start(), content.length(), pattern.pattern());
      result.append(text, done, matcher.start()).append(content);
      done = matcher.end();
    }
    return done == 0 && result.isEmpty()
        ? text
        : result.append(text, done, text.length()).toString();
  }

  private boolean find(Matcher matcher) {
    try {
      return matcher.find();
    } catch (StackOverflowError e) {
      throw PatternException.tooDeep(pattern.pattern(), e);
    }
  }
}
