package io.chasqui.tokenizer;

import java.util.Arrays;

/**
 * A hash table from non-negative longs to non-negative ints, open addressing with linear probing,
 * at most half full. Read-only after it has been filled, so threads may share it.
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
