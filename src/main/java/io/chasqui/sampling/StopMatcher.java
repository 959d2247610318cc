package io.chasqui.sampling;

/**
 * Decides what text of an answer is final when it must end before the first stop sequence: the one
 * whose last character comes first, and of those that end together the longest, however the text is
 * cut into tokens. Text that could be the beginning of a stop sequence is held back until more text
 * decides. A stop sequence may span any number of tokens. Not thread-safe: one matcher serves one
 * answer.
 */
public final class StopMatcher {
  private final StopSequences stops;

  /** Its text is what is held back. */
  private int state = StopSequences.START;

  private String matched;

  /** Makes a matcher for one answer. */
  public StopMatcher(StopSequences stops) {
    this.stops = stops;
  }

  private StopMatcher(StopMatcher other) {
    stops = other.stops;
    state = other.state;
    matched = other.matched;
  }

  /** Another matcher that has the same text so far. */
  public StopMatcher copy() {
    return new StopMatcher(this);
  }

  /**
   * Adds text and tells what of all that was added is final.
   *
   * @param text what the last token added
   * @return the text that is final now; nothing more once a stop sequence was found
   */
  public String append(String text) {
    if (matched != null) {
      return "";
    }
    int before = state;
    for (int i = 0; i < text.length(); i++) {
      state = stops.next(state, text.charAt(i));
      matched = stops.match(state);
      if (matched != null) {
        return beginning(before, text, i + 1 - matched.length());
      }
    }
    return beginning(before, text, text.length() - stops.length(state));
  }

  /**
   * What was held back in a state and a part of the text after it.
   *
   * @param length of that part; negative where a part of what was held back is not wanted either
   */
  private String beginning(int before, String text, int length) {
    int whole = stops.length(before) + length;
    if (whole == length) {
      return text.substring(0, length);
    }
    if (whole == 0) {
      return "";
    }
    String held = stops.text(before);
    return length <= 0 ? held.substring(0, whole) : held + text.substring(0, length);
  }

  /** What is held back, for when the answer ends without a stop sequence. */
  public String flush() {
    if (matched != null) {
      return "";
    }
    String held = stops.text(state);
    state = StopSequences.START;
    return held;
  }

  /** The stop sequence that ended the text, or null. */
  public String matched() {
    return matched;
  }
}
