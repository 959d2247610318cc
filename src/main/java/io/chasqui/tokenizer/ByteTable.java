package io.chasqui.tokenizer;

import java.util.Arrays;

/**
 * A hash table from byte strings to their ids, open addressing with linear probing, at most half
 * full. Read-only after it has been built, so threads may share it.
 *
 * <p>Packed model files hold its slots, so its hash is part of their format: the value that {@link
 * Arrays#hashCode(byte[])} is specified to have, mixed as in {@link #firstSlot}.
 */
final class ByteTable {
  private static final int FREE = -1;

  private final ByteStrings keys;
  private final int[] slots;

  /** Builds a table of all strings that are there. The first of two equal ones counts. */
  ByteTable(ByteStrings keys) {
    this.keys = keys;
    int count = 0;
    for (int id = 0; id < keys.size(); id++) {
      count += keys.has(id) ? 1 : 0;
    }
    slots = new int[Integer.highestOneBit(Math.max(8, count)) * 4];
    Arrays.fill(slots, FREE);
    for (int id = 0; id < keys.size(); id++) {
      if (keys.has(id)) {
        int slot = find(keys.get(id));
        if (slots[slot] == FREE) {
          slots[slot] = id;
        }
      }
    }
  }

  /**
   * Takes finished slots as they are.
   *
   * @throws IllegalArgumentException if they are not a power of two in number, one of them has no
   *     key, or more than half of them are taken, so that a search might not end
   */
  ByteTable(ByteStrings keys, int[] slots) {
    this.keys = keys;
    this.slots = slots;
    int taken = 0;
    for (int id : slots) {
      if (id != FREE) {
        taken++;
        if (!keys.has(id)) {
          throw new IllegalArgumentException(
              "a hash table leads to id " + id + ", which has no key");
        }
      }
    }
    if (Integer.bitCount(slots.length) != 1 || taken > slots.length / 2) {
      throw new IllegalArgumentException(
          "a hash table has " + taken + " keys in " + slots.length + " slots");
    }
  }

  /** The id of a byte string, or -1. */
  int get(byte[] key) {
    return slots[find(key)];
  }

  private int find(byte[] key) {
    int mask = slots.length - 1;
    int slot = firstSlot(key) & mask;
    while (slots[slot] != FREE && !keys.is(slots[slot], key)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private static int firstSlot(byte[] key) {
    int hash = Arrays.hashCode(key) * 0x9E3779B9;
    return hash ^ (hash >>> 15);
  }

  ByteStrings keys() {
    return keys;
  }

  /** For each slot an id or -1; not to be changed. */
  int[] sharedSlots() {
    return slots;
  }

  boolean sameAs(ByteTable other) {
    return keys.sameAs(other.keys) && Arrays.equals(slots, other.slots);
  }
}
