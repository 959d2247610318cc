package io.chasqui.tokenizer;

import java.util.Arrays;
import java.util.Objects;

/**
 * A hash table from byte strings to ids, open addressing, at most half full; it keeps the arrays
 * that it is given. Read-only after it has been filled, so threads may share it.
 */
final class ByteTable {
  private final byte[][] keys;
  private final int[] ids;

  /** An empty table with room for one key for each piece that is not null. */
  ByteTable(String[] pieces) {
    int capacity = (int) Arrays.stream(pieces).filter(Objects::nonNull).count();
    int slots = Integer.highestOneBit(Math.max(8, capacity)) * 4;
    keys = new byte[slots][];
    ids = new int[slots];
  }

  /** Adds a key. The first of two equal keys counts. */
  void put(byte[] key, int id) {
    int slot = find(key);
    if (keys[slot] == null) {
      keys[slot] = key;
      ids[slot] = id;
    }
  }

  /** The id of a byte string, or -1. */
  int get(byte[] key) {
    int slot = find(key);
    return keys[slot] == null ? -1 : ids[slot];
  }

  private int find(byte[] key) {
    int mask = keys.length - 1;
    int hash = Arrays.hashCode(key) * 0x9E3779B9;
    int slot = (hash ^ (hash >>> 15)) & mask;
    while (keys[slot] != null && !Arrays.equals(keys[slot], key)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }
}
