package io.chasqui.model;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.chasqui.kernel.KvLayout;
import java.lang.foreign.MemorySegment;

/**
 * The positions of one text that a decoder has computed, in KV blocks borrowed from a cache. For
 * one thread at a time.
 */
public final class Sequence implements AutoCloseable {
  private final KvCache cache;

  /** In the order of their positions. */
  private final int[] blocks;

  private final int capacity;
  private int taken;
  private int length;

  /**
   * An empty sequence, which takes blocks as it grows.
   *
   * @param capacity the most positions that it can have
   */
  public Sequence(KvCache cache, int capacity) {
    this.cache = cache;
    this.capacity = capacity;
    blocks = new int[KvLayout.blocks(capacity)];
  }

  /** Positions computed so far. */
  public int length() {
    return length;
  }

  /**
   * Writes the blocks taken so far, int32, in the order of their positions.
   *
   * @throws IndexOutOfBoundsException if there are more than fit
   */
  void copyBlocks(MemorySegment to) {
    MemorySegment.copy(blocks, 0, to, JAVA_INT, 0, taken);
  }

  /**
   * Makes room for further positions.
   *
   * @throws IllegalArgumentException if they are more than the sequence can have
   * @throws IllegalStateException if there are no blocks left
   */
  void reserve(int positions) {
    if (positions > capacity - length) {
      throw new IllegalArgumentException(
          "%d positions more than %d are above this sequence's %d"
              .formatted(positions, length, capacity));
    }
    for (int needed = KvLayout.blocks(length + positions); taken < needed; taken++) {
      blocks[taken] = cache.take();
    }
  }

  void advance(int positions) {
    length += positions;
  }

  /**
   * Forgets the last positions, as when drafted tokens were not accepted; blocks that are empty
   * then go back.
   *
   * @param newLength at most {@link #length}
   */
  public void truncate(int newLength) {
    if (newLength < 0 || newLength > length) {
      throw new IllegalArgumentException(
          "a sequence of %d positions cannot be cut to %d".formatted(length, newLength));
    }
    length = newLength;
    for (int needed = KvLayout.blocks(newLength); taken > needed; ) {
      cache.giveBack(blocks[--taken]);
    }
  }

  /** Gives all blocks back. */
  @Override
  public void close() {
    truncate(0);
  }
}
