package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;

import java.util.Arrays;

/**
 * Finds the block that holds given tokens after a given block. It compares the tokens themselves:
 * two prompts whose hashes are equal never get each other's blocks.
 *
 * <p>A block that is entered gets an identity that no other ever has, and by this identity its
 * successors know it. So what came after a block cannot be found any more when the block has been
 * removed, whatever its number is used for then.
 */
final class PrefixIndex {
  /** In place of a block: there is none. */
  static final int NONE = -1;

  /** The identity of what is before a text, and of a block that is not in the index. */
  private static final long NOBODY = 0;

  /** {@code [blocks, 16]}: what has been written to each block, entered or not. */
  private final int[] tokens;

  private final long[] identities;
  private final long[] predecessors;
  private final long[] salts;
  private long lastIdentity = NOBODY;

  /** For each hash a list of blocks, which goes on in {@link #nextInBucket}. */
  private final int[] buckets;

  private final int[] nextInBucket;

  PrefixIndex(int blocks) {
    tokens = new int[Math.multiplyExact(blocks, BLOCK_POSITIONS)];
    identities = new long[blocks];
    predecessors = new long[blocks];
    salts = new long[blocks];
    nextInBucket = new int[blocks];
    buckets = new int[2 * Integer.highestOneBit(Math.max(1, blocks))];
    Arrays.fill(buckets, NONE);
  }

  /** Notes what is written to a block that is not in the index. */
  void write(int block, int offset, int[] from, int index, int count) {
    System.arraycopy(from, index, tokens, block * BLOCK_POSITIONS + offset, count);
  }

  /** Notes that a block is written with what another has. */
  void copy(int from, int to) {
    write(to, 0, tokens, from * BLOCK_POSITIONS, BLOCK_POSITIONS);
  }

  boolean contains(int block) {
    return identities[block] != NOBODY;
  }

  /**
   * Finds a block.
   *
   * @param predecessor a block of the index, or {@link #NONE} for the beginning of a text
   * @param from index of the first of 16 tokens
   * @return the block, or {@link #NONE}
   */
  int find(int predecessor, int[] text, int from, long salt) {
    long before = identity(predecessor);
    int block = buckets[bucket(before, text, from, salt)];
    while (block != NONE && !holds(block, before, text, from, salt)) {
      block = nextInBucket[block];
    }
    return block;
  }

  /** Finds a block that holds what {@code block}, which need not be in the index, would hold. */
  int findEqual(int predecessor, int block, long salt) {
    return find(predecessor, tokens, block * BLOCK_POSITIONS, salt);
  }

  /** Enters a block of which {@link #findEqual} finds no equal. */
  void add(int predecessor, int block, long salt) {
    identities[block] = ++lastIdentity;
    predecessors[block] = identity(predecessor);
    salts[block] = salt;
    int bucket = bucketOf(block);
    nextInBucket[block] = buckets[bucket];
    buckets[bucket] = block;
  }

  /** Removes a block of the index; its successors cannot be found any more. */
  void remove(int block) {
    int bucket = bucketOf(block);
    if (buckets[bucket] == block) {
      buckets[bucket] = nextInBucket[block];
    } else {
      int before = buckets[bucket];
      while (nextInBucket[before] != block) {
        before = nextInBucket[before];
      }
      nextInBucket[before] = nextInBucket[block];
    }
    identities[block] = NOBODY;
  }

  private long identity(int block) {
    return block == NONE ? NOBODY : identities[block];
  }

  private boolean holds(int block, long predecessor, int[] text, int from, long salt) {
    int own = block * BLOCK_POSITIONS;
    return predecessors[block] == predecessor
        && salts[block] == salt
        && Arrays.equals(tokens, own, own + BLOCK_POSITIONS, text, from, from + BLOCK_POSITIONS);
  }

  private int bucketOf(int block) {
    return bucket(predecessors[block], tokens, block * BLOCK_POSITIONS, salts[block]);
  }

  /** Fibonacci hashing. */
  private int bucket(long predecessor, int[] text, int from, long salt) {
    long hash = mix(mix(salt) + predecessor);
    for (int i = from; i < from + BLOCK_POSITIONS; i++) {
      hash = mix(hash + text[i]);
    }
    return (int) hash & (buckets.length - 1);
  }

  private static long mix(long hash) {
    long product = hash * 0x9E3779B97F4A7C15L;
    return product ^ (product >>> 32);
  }
}
