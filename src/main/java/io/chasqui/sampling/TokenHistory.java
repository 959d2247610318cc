package io.chasqui.sampling;

import java.util.Arrays;

/**
 * The tokens of one sequence so far, of its prompt and of its output, which penalties look back on.
 * It grows at its end only. Not thread-safe.
 */
public final class TokenHistory {
  private final int promptLength;
  private int[] tokens;
  private int length;

  /** Tokens before this one are in {@link #distinct}; only penalties need that, so it is lazy. */
  private int indexed;

  private int[] distinct = new int[16];
  private int[] outputCounts = new int[16];
  private int distinctTokens;

  /** By hash of the token, open addressing: 1 + its place in {@link #distinct}, or 0. */
  private int[] slots = new int[64];

  /**
   * Begins with a prompt and no output.
   *
   * @param prompt token ids; copied
   */
  public TokenHistory(int... prompt) {
    promptLength = prompt.length;
    length = prompt.length;
    tokens = Arrays.copyOf(prompt, prompt.length + 64);
  }

  private TokenHistory(TokenHistory other) {
    promptLength = other.promptLength;
    tokens = other.tokens.clone();
    length = other.length;
    indexed = other.indexed;
    distinct = other.distinct.clone();
    outputCounts = other.outputCounts.clone();
    distinctTokens = other.distinctTokens;
    slots = other.slots.clone();
  }

  /** Another that begins with the same prompt and output, and goes on by itself. */
  TokenHistory copy() {
    return new TokenHistory(this);
  }

  /** Adds the token that was chosen. */
  public void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token;
  }

  /** Tokens of prompt and output together. */
  public int length() {
    return length;
  }

  /** The token at a place, from 0: the prompt's first. */
  public int get(int i) {
    return tokens[i];
  }

  /** A copy of the tokens from one place to another, exclusive. */
  public int[] range(int from, int to) {
    return Arrays.copyOfRange(tokens, from, to);
  }

  /** How many different tokens there are. */
  int distinctTokens() {
    while (indexed < length) {
      int place = placeOf(tokens[indexed]);
      if (indexed >= promptLength) {
        outputCounts[place]++;
      }
      indexed++;
    }
    return distinctTokens;
  }

  /** The i-th of the different tokens, in the order of their first appearance. */
  int distinct(int i) {
    return distinct[i];
  }

  /** How often the output has the i-th of the different tokens. */
  int outputCount(int i) {
    return outputCounts[i];
  }

  private int placeOf(int token) {
    int slot = slotOf(token);
    if (slots[slot] == 0) {
      if (distinctTokens == distinct.length) {
        grow();
        slot = slotOf(token);
      }
      distinct[distinctTokens++] = token;
      slots[slot] = distinctTokens;
    }
    return slots[slot] - 1;
  }

  private int slotOf(int token) {
    int mask = slots.length - 1;
    int slot = ((token * 0x9E3779B9) >>> 8) & mask;
    while (slots[slot] != 0 && distinct[slots[slot] - 1] != token) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    distinct = Arrays.copyOf(distinct, 2 * distinctTokens);
    outputCounts = Arrays.copyOf(outputCounts, 2 * distinctTokens);
    slots = new int[4 * distinct.length];
    for (int i = 0; i < distinctTokens; i++) {
      slots[slotOf(distinct[i])] = i + 1;
    }
  }
}
