package io.chasqui.sampling;

import java.util.Arrays;
import java.util.Collection;

/** A few token ids, such as those that end an answer. Immutable; looking one up boxes nothing. */
public final class TokenSet {
  public static final TokenSet EMPTY = new TokenSet(new int[0]);

  private final int[] sorted;

  private TokenSet(int[] sorted) {
    this.sorted = sorted;
  }

  public static TokenSet of(int... tokens) {
    return new TokenSet(Arrays.stream(tokens).sorted().distinct().toArray());
  }

  public static TokenSet of(Collection<Integer> tokens) {
    return of(tokens.stream().mapToInt(Integer::intValue).toArray());
  }

  public boolean contains(int token) {
    return Arrays.binarySearch(sorted, token) >= 0;
  }

  public int size() {
    return sorted.length;
  }

  /** The i-th smallest, from 0. */
  public int get(int i) {
    return sorted[i];
  }

  /**
   * Refuses ids that a model does not have.
   *
   * @param name of what has these tokens, for the message
   * @throws IllegalArgumentException if one is not from 0 to below the size of the vocabulary
   */
  public void requireVocabulary(String name, int size) {
    for (int token : sorted) {
      if (token < 0 || token >= size) {
        throw new IllegalArgumentException(
            "'%s' has token id %d, which is outside the vocabulary of %d tokens"
                .formatted(name, token, size));
      }
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TokenSet set && Arrays.equals(sorted, set.sorted);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(sorted);
  }

  @Override
  public String toString() {
    return Arrays.toString(sorted);
  }
}
