package io.chasqui.sampling;

import java.util.List;

/**
 * Decides what text of an answer is final when it must end before the first stop sequence: the one
 * whose last character comes first, and of those that end together the longest, however the text is
 * cut into tokens. Text that could be the beginning of a stop sequence is held back until more text
 * decides. A stop sequence may span any number of tokens. Not thread-safe: one matcher serves one
 * answer.
 */
public final class StopMatcher {
  private final List<String> stops;
  private final StringBuilder held = new StringBuilder();
  private String matched;

  /**
   * Makes a matcher for one answer.
   *
   * @param stops the stop sequences, none of them empty; an empty list holds nothing back
   * @throws IllegalArgumentException if a stop sequence is empty
   */
  public StopMatcher(List<String> stops) {
    if (stops.stream().anyMatch(String::isEmpty)) {
      throw new IllegalArgumentException("a stop sequence must not be empty");
    }
    this.stops = List.copyOf(stops);
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
    if (stops.isEmpty()) {
      return text;
    }
    held.append(text);
    int at = firstStop();
    return release(at >= 0 ? at : held.length() - undecidedTail());
  }

  /** What is held back, for when the answer ends without a stop sequence. */
  public String flush() {
    return matched != null ? "" : release(held.length());
  }

  /** The stop sequence that ended the text, or null. */
  public String matched() {
    return matched;
  }

  private String release(int length) {
    String text = held.substring(0, length);
    held.delete(0, length);
    return text;
  }

  private int firstStop() {
    int first = -1;
    int firstEnd = Integer.MAX_VALUE;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      int end = at + stop.length();
      // By the end, not the start: where a token ends must not decide which sequence it is.
      if (at >= 0 && (end < firstEnd || (end == firstEnd && at < first))) {
        first = at;
        firstEnd = end;
        matched = stop;
      }
    }
    return first;
  }

  /** The length of the longest suffix that is a proper prefix of some stop sequence. */
  private int undecidedTail() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, held.length()); n > longest; n--) {
        if (held.indexOf(stop.substring(0, n), held.length() - n) >= 0) {
          longest = n;
        }
      }
    }
    return longest;
  }
}
