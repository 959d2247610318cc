package io.chasqui.tokenizer;

import java.util.Arrays;

/**
 * A hash table from non-negative longs to non-negative ints, open addressing with linear probing,
 * at most half full. Read-only after it has been filled, so threads may share it.
 *
 * <p>Packed model files hold its arrays, so the hash in {@link #slot} is part of their format.
 */
final class LongIntTable {
  private static final long EMPTY = -1;

  private long[] keys = new long[16];
  private int[] values = new int[16];
  private int shift = 60;
  private int size;

  LongIntTable() {
    Arrays.fill(keys, EMPTY);
  }

  /**
   * Takes finished arrays as they are.
   *
   * @param limit what every value is below
   * @throws IllegalArgumentException if the arrays are not of one length that is a power of two
   *     from 16 on, a value is out of range, or more than half of the slots are taken, so that a
   *     search might not end
   */
  LongIntTable(long[] keys, int[] values, int limit) {
    int slots = keys.length;
    if (slots < 16 || Integer.bitCount(slots) != 1 || values.length != slots) {
      throw new IllegalArgumentException(
          "a hash table has %d slots with %d values".formatted(slots, values.length));
    }
    for (int slot = 0; slot < slots; slot++) {
      if (keys[slot] != EMPTY) {
        size++;
        if (values[slot] < 0 || values[slot] >= limit) {
          throw new IllegalArgumentException(
              "a hash table has the value %d of %d".formatted(values[slot], limit));
        }
      }
    }
    if (size > slots / 2) {
      throw new IllegalArgumentException(
          "a hash table has " + size + " keys in " + slots + " slots");
    }
    this.keys = keys;
    this.values = values;
    shift = Long.SIZE - Integer.numberOfTrailingZeros(slots);
  }

  /** Receives the entries of a table. */
  @FunctionalInterface
  interface Visitor {
    void entry(long key, int value);
  }

  /** Visits all entries, in no order that means anything. */
  void forEach(Visitor visitor) {
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] != EMPTY) {
        visitor.entry(keys[i], values[i]);
      }
    }
  }

  /** For each slot its key, or -1; not to be changed. */
  long[] sharedKeys() {
    return keys;
  }

  /** For each slot its value; not to be changed. */
  int[] sharedValues() {
    return values;
  }

  boolean sameAs(LongIntTable other) {
    return Arrays.equals(keys, other.keys) && Arrays.equals(values, other.values);
  }

  /** The key of an ordered pair of non-negative ints. */
  static long pair(int left, int right) {
    return (long) left << 32 | right;
  }

  /** The value of a key, or -1. */
  int get(long key) {
    int mask = keys.length - 1;
    int slot = slot(key);
    while (true) {
      long found = keys[slot];
      if (found == key) {
        return values[slot];
      }
      if (found == EMPTY) {
        return -1;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** Sets a key's value; a later call replaces an earlier one. */
  void put(long key, int value) {
    if (2 * (size + 1) > keys.length) {
      grow();
    }
    int mask = keys.length - 1;
    int slot = slot(key);
    while (keys[slot] != EMPTY && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    if (keys[slot] == EMPTY) {
      keys[slot] = key;
      size++;
    }
    values[slot] = value;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldValues = values;
    keys = new long[2 * oldKeys.length];
    values = new int[keys.length];
    Arrays.fill(keys, EMPTY);
    shift--;
    size = 0;
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldKeys[i] != EMPTY) {
        put(oldKeys[i], oldValues[i]);
      }
    }
  }

  /** Fibonacci hashing of the two halves: the top bits choose the slot. */
  private int slot(long key) {
    long mixed = (key ^ (key >>> 29)) * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> shift);
  }
}
