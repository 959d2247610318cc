package io.chasqui.tokenizer;

/**
 * A token that is looked for in the text itself, before the model's merges see it.
 *
 * @param id its id
 * @param content the text that it matches
 * @param special whether it is a control token: decoding skips it on request, and text from outside
 *     can be kept from producing it
 * @param normalized whether it is looked for after normalization (its content is then normalized
 *     too) rather than in the raw text
 * @param stripsLeft whether white space before it belongs to it
 * @param stripsRight whether white space after it belongs to it
 * @param singleWord whether it counts only where no word character touches it
 */
public record AddedToken(
    int id,
    String content,
    boolean special,
    boolean normalized,
    boolean stripsLeft,
    boolean stripsRight,
    boolean singleWord) {

  /** A control token as vocabularies usually declare one: matched exactly, in the raw text. */
  public static AddedToken special(int id, String content) {
    return new AddedToken(id, content, true, false, false, false, false);
  }
}
