package io.chasqui.sampling;

import java.util.Arrays;
import java.util.List;

/**
 * The stop sequences of one request as an automaton (Aho and Corasick, "Efficient string matching",
 * 1975): its state is the longest end of a text that begins a stop sequence. A character costs the
 * same however long the sequences are, because a text that nearly matches them is the client's
 * choice. Immutable: all answers of a request share it.
 */
public final class StopSequences {
  /** The state of a text that ends with the beginning of no stop sequence. */
  static final int START = 0;

  private static final int NONE = -1;

  private final List<String> texts;

  /** The state for each beginning of each sequence; children of a state are linked as siblings. */
  private final char[] letters;

  private final int[] firstChildren;
  private final int[] siblings;
  private final int[] lengths;

  /** A sequence that begins so. */
  private final int[] origins;

  /** The longest shorter state with which the text of a state ends. */
  private final int[] fallbacks;

  /** The longest sequence with which the text of a state ends, or {@link #NONE}. */
  private final int[] matches;

  private int states = 1;

  /**
   * Makes the automaton.
   *
   * @param texts the stop sequences; an empty list stops nothing
   * @throws IllegalArgumentException if a stop sequence is empty
   */
  public StopSequences(List<String> texts) {
    if (texts.stream().anyMatch(String::isEmpty)) {
      throw new IllegalArgumentException("a stop sequence must not be empty");
    }
    this.texts = List.copyOf(texts);
    int most = 1 + texts.stream().mapToInt(String::length).sum();
    letters = new char[most];
    firstChildren = filled(most);
    siblings = filled(most);
    lengths = new int[most];
    origins = new int[most];
    fallbacks = new int[most];
    matches = filled(most);
    for (int text = 0; text < texts.size(); text++) {
      add(text);
    }
    link();
  }

  private static int[] filled(int length) {
    int[] none = new int[length];
    Arrays.fill(none, NONE);
    return none;
  }

  private void add(int text) {
    int state = START;
    for (char letter : texts.get(text).toCharArray()) {
      int child = child(state, letter);
      if (child == NONE) {
        child = states++;
        letters[child] = letter;
        lengths[child] = lengths[state] + 1;
        origins[child] = text;
        siblings[child] = firstChildren[state];
        firstChildren[state] = child;
      }
      state = child;
    }
    matches[state] = text;
  }

  /** Links shorter states before longer ones, whose links rest on theirs. */
  private void link() {
    int[] queue = new int[states];
    int end = 1; // the start is the first
    for (int i = 0; i < end; i++) {
      int state = queue[i];
      for (int child = firstChildren[state]; child != NONE; child = siblings[child]) {
        fallbacks[child] = state == START ? START : next(fallbacks[state], letters[child]);
        if (matches[child] == NONE) {
          matches[child] = matches[fallbacks[child]];
        }
        queue[end++] = child;
      }
    }
  }

  private int child(int state, char letter) {
    int child = firstChildren[state];
    while (child != NONE && letters[child] != letter) {
      child = siblings[child];
    }
    return child;
  }

  /** The stop sequences. */
  public List<String> texts() {
    return texts;
  }

  /** The state after one more character. */
  int next(int state, char letter) {
    int from = state;
    int child = child(from, letter);
    while (child == NONE && from != START) {
      from = fallbacks[from];
      child = child(from, letter);
    }
    return child == NONE ? START : child;
  }

  /** The longest stop sequence with which the text of a state ends, or null. */
  String match(int state) {
    return matches[state] == NONE ? null : texts.get(matches[state]);
  }

  /** How many characters a state holds. */
  int length(int state) {
    return lengths[state];
  }

  /** The characters that a state holds. */
  String text(int state) {
    return state == START ? "" : texts.get(origins[state]).substring(0, lengths[state]);
  }
}
