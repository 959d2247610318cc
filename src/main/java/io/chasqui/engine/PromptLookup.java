package io.chasqui.engine;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Guesses the next tokens of one sequence: those that followed its last tokens where they stood
 * before (prompt lookup decoding, Saxena 2023). The longest of a few lengths of n-grams that stood
 * before decides, and of its occurrences the latest. A token costs the same however long the
 * sequence is.
 *
 * <p>The length of a draft follows its success: it grows while drafts are right to their end, and
 * shrinks when they are not.
 */
public final class PromptLookup {
  /** The most tokens of a draft: a pass over 16 tokens still costs less than a third of 16. */
  public static final int MAX_DRAFT = 15;

  /** A pass over 4 tokens costs hardly more than one over 1: it waits for the weights. */
  private static final int FIRST_DRAFT = 3;

  private static final int MIN_DRAFT = 1;

  /** From the longest to the shortest. */
  private final Ngrams[] ngrams = {new Ngrams(5), new Ngrams(3), new Ngrams(2)};

  private int[] tokens = new int[64];
  private int length;

  /** Where the tokens that stood before ended then; 0 if none did. */
  private int match;

  private int draftLength = FIRST_DRAFT;

  /** Appends tokens to the sequence. */
  public void append(int... more) {
    if (length + more.length > tokens.length) {
      tokens = Arrays.copyOf(tokens, Math.max(length + more.length, 2 * tokens.length));
    }
    for (int token : more) {
      tokens[length++] = token;
      match = 0;
      for (Ngrams each : ngrams) {
        int before = each.putLast();
        match = match == 0 ? before : match;
      }
    }
  }

  /**
   * What to compute next: the last token, then a draft of those that follow it, which is empty
   * where nothing can be guessed.
   *
   * @param most the most tokens of it, at least 1
   */
  public int[] step(int most) {
    int[] step = new int[1 + (match == 0 ? 0 : Math.min(draftLength, most - 1))];
    step[0] = tokens[length - 1];
    for (int i = 1; i < step.length; i++) {
      int from = match + i - 1;
      // Behind the end of the sequence, the draft itself goes on: a loop is drafted many times.
      step[i] = from < length ? tokens[from] : step[from - length + 1];
    }
    return step;
  }

  /**
   * Tells how good the last draft was.
   *
   * @param drafted how many tokens it had
   * @param accepted how many of them, from the first on, were right
   */
  public void verified(int drafted, int accepted) {
    draftLength =
        accepted == drafted
            ? Math.min(2 * draftLength + 1, MAX_DRAFT)
            : Math.max(draftLength / 2, MIN_DRAFT);
  }

  /** Where each n-gram of the sequence ended last: a hash table with open addressing. */
  private final class Ngrams {
    private final int n;

    /** Nobody can write a prompt whose n-grams all meet in one place of the table. */
    private final long salt = ThreadLocalRandom.current().nextLong();

    /** Ends of n-grams, which are at least n: 0 is a free place. */
    private int[] ends = new int[128];

    private int count;

    Ngrams(int n) {
      this.n = n;
    }

    /** Puts the n-gram at the end of the sequence, and returns where it ended before, or 0. */
    int putLast() {
      if (length < n) {
        return 0;
      }
      int place = placeOf(length);
      int before = ends[place];
      ends[place] = length;
      if (before == 0 && 2 * ++count > ends.length) {
        grow();
      }
      return before;
    }

    private int placeOf(int end) {
      int mask = ends.length - 1;
      int place = (int) hash(end) & mask;
      while (ends[place] != 0 && !same(ends[place], end)) {
        place = (place + 1) & mask;
      }
      return place;
    }

    private boolean same(int end, int otherEnd) {
      return Arrays.equals(tokens, end - n, end, tokens, otherEnd - n, otherEnd);
    }

    private long hash(int end) {
      long hash = salt;
      for (int i = end - n; i < end; i++) {
        hash = (hash ^ tokens[i]) * 0x9E3779B97F4A7C15L;
        hash ^= hash >>> 32;
      }
      return hash;
    }

    private void grow() {
      int[] old = ends;
      ends = new int[2 * old.length];
      for (int end : old) {
        if (end != 0) {
          ends[placeOf(end)] = end;
        }
      }
    }
  }
}
