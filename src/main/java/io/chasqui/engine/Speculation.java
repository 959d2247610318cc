package io.chasqui.engine;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether tokens are guessed ahead, so that one pass over the weights can give several of them. A
 * guess that was wrong costs time only: the text is the same, to the bit, with every value.
 */
public enum Speculation {
  /** One token a pass. */
  OFF,

  /**
   * What followed the last tokens where they stood before, in the prompt or in the answer, is taken
   * for what follows now. Good for answers that repeat their prompt: quotations, corrections, code
   * that is changed, summaries; of no use for others.
   */
  PROMPT_LOOKUP;

  /** The word for it in settings and requests, such as {@code prompt-lookup}. */
  public String word() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** All words. */
  public static List<String> words() {
    return Arrays.stream(values()).map(Speculation::word).toList();
  }

  /** The value that a word stands for. */
  public static Optional<Speculation> of(String word) {
    return Arrays.stream(values()).filter(each -> each.word().equals(word)).findFirst();
  }
}
