package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.chasqui.kernel.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The positions of one text that a decoder has computed, in KV blocks that it may share with other
 * sequences. For one thread at a time.
 *
 * <p>It takes part in the prefix cache from {@link #adopt} on: what it {@link #publish publishes}
 * is there for the sequences of the same salt. A sequence that never adopts shares nothing but with
 * its forks.
 */
public final class Sequence implements AutoCloseable {
  private final KvBlocks kv;
  private final int capacity;

  /** In the order of their positions. */
  private final int[] blocks;

  private int taken;
  private int length;

  /** Up to here positions may be written: their blocks are neither shared nor published. */
  private int writable;

  private boolean cacheable;
  private long salt;

  /** How many of the first blocks are published. */
  private int published;

  /**
   * An empty sequence, which takes blocks as it grows.
   *
   * @param capacity the most positions that it can have
   */
  public Sequence(KvBlocks kv, int capacity) {
    this(kv, capacity, new int[KvLayout.blocks(capacity)]);
  }

  private Sequence(KvBlocks kv, int capacity, int[] blocks) {
    this.kv = kv;
    this.capacity = capacity;
    this.blocks = blocks;
  }

  /** Positions computed so far. */
  public int length() {
    return length;
  }

  /**
   * Begins with what the prefix cache, or a prefix that came with the model, has of a text: its
   * longest run of full blocks with exactly these tokens. The text's last token is always left to
   * be computed, for its logits are wanted.
   *
   * @param salt of what sequences have published, only that of the same salt is found; prefixes
   *     that came with the model are everybody's
   * @return the positions taken over, a multiple of 16
   * @throws IllegalArgumentException if there are more tokens than the sequence can have
   * @throws IllegalStateException if the sequence is not empty
   */
  public int adopt(int[] tokens, long salt) {
    if (taken > 0) {
      throw new IllegalStateException(
          "a sequence adopts a prefix before it reserves positions, not after");
    }
    if (tokens.length > capacity) {
      throw tooLong(tokens.length);
    }
    cacheable = true;
    this.salt = salt;
    while (length + BLOCK_POSITIONS < tokens.length) {
      int block = kv.adopt(lastPublished(), tokens, length, salt);
      if (block == PrefixIndex.NONE) {
        break;
      }
      blocks[taken++] = block;
      published++;
      length += BLOCK_POSITIONS;
    }
    writable = length;
    return length;
  }

  /**
   * Makes room for further positions: takes their blocks, and a copy of the last block if it is not
   * full and others use it. All or nothing.
   *
   * @return false if there are not enough blocks that are free or cached
   * @throws IllegalArgumentException if they are more than the sequence can have
   */
  public boolean tryReserve(int positions) {
    if (positions < 0) {
      throw new IllegalArgumentException("there are no " + positions + " positions");
    }
    if (positions > capacity - length) {
      throw tooLong(positions);
    }
    if (length + positions <= writable) {
      return true;
    }
    int needed = KvLayout.blocks(length + positions);
    int last = length / BLOCK_POSITIONS;
    boolean writesToLast = length % BLOCK_POSITIONS != 0;
    boolean copies = writesToLast && kv.references(blocks[last]) > 1;
    if (Math.max(0, needed - taken) + (copies ? 1 : 0) > kv.available()) {
      return false;
    }
    if (copies) {
      blocks[last] = kv.copy(blocks[last]);
    } else if (writesToLast) {
      kv.withdraw(blocks[last]);
    }
    while (taken < needed) {
      blocks[taken++] = kv.take();
    }
    writable = length + positions;
    return true;
  }

  /**
   * {@link #tryReserve} for those who have seen to it that there are enough blocks.
   *
   * @throws IllegalArgumentException if they are more than the sequence can have
   * @throws IllegalStateException if there are no blocks left
   */
  public void reserve(int positions) {
    if (!tryReserve(positions)) {
      throw new IllegalStateException(
          "%d positions more find %d of %d KV blocks; close a sequence"
              .formatted(positions, kv.available(), kv.blocks()));
    }
  }

  private IllegalArgumentException tooLong(int positions) {
    return new IllegalArgumentException(
        "%d positions more than %d are above this sequence's %d"
            .formatted(positions, length, capacity));
  }

  /** Positions after {@link #length} that have been reserved. */
  int reserved() {
    return writable - length;
  }

  /** Blocks taken so far. */
  int blocks() {
    return taken;
  }

  /**
   * Writes the blocks taken so far, int32, in the order of their positions.
   *
   * @throws IndexOutOfBoundsException if there are more than fit
   */
  void copyBlocks(MemorySegment to) {
    MemorySegment.copy(blocks, 0, to, JAVA_INT, 0, taken);
  }

  /** Counts tokens whose keys and values have been stored, in positions that were reserved. */
  void append(int[] tokens) {
    for (int i = 0; i < tokens.length; ) {
      int offset = length % BLOCK_POSITIONS;
      int count = Math.min(BLOCK_POSITIONS - offset, tokens.length - i);
      kv.write(blocks[length / BLOCK_POSITIONS], offset, tokens, i, count);
      length += count;
      i += count;
    }
  }

  /**
   * Offers the full blocks to other sequences, if this one takes part in the prefix cache. It is
   * for positions that will stay: drafted tokens are truncated first if they were not accepted.
   */
  public void publish() {
    if (!cacheable) {
      return;
    }
    for (int full = length / BLOCK_POSITIONS; published < full; published++) {
      blocks[published] = kv.publish(lastPublished(), blocks[published], salt);
    }
  }

  private int lastPublished() {
    return published == 0 ? PrefixIndex.NONE : blocks[published - 1];
  }

  /**
   * A second sequence with the same positions, which it shares until one of both writes where they
   * were; what this one had reserved has to be reserved again. Publishes the full blocks.
   */
  public Sequence fork() {
    // Blocks that both would publish later could get different predecessors.
    publish();
    Sequence fork = new Sequence(kv, capacity, Arrays.copyOf(blocks, blocks.length));
    fork.taken = KvLayout.blocks(length);
    for (int i = 0; i < fork.taken; i++) {
      kv.share(blocks[i]);
    }
    fork.length = length;
    fork.writable = length;
    fork.cacheable = cacheable;
    fork.salt = salt;
    fork.published = published;
    writable = length;
    return fork;
  }

  /**
   * Forgets the last positions, as when drafted tokens were not accepted, and what was reserved;
   * blocks that are empty then go back.
   *
   * @param newLength at most {@link #length}
   */
  public void truncate(int newLength) {
    if (newLength < 0 || newLength > length) {
      throw new IllegalArgumentException(
          "a sequence of %d positions cannot be cut to %d".formatted(length, newLength));
    }
    for (int needed = KvLayout.blocks(newLength); taken > needed; ) {
      kv.release(blocks[--taken]);
    }
    length = newLength;
    writable = newLength;
    published = Math.min(published, newLength / BLOCK_POSITIONS);
  }

  /** Gives all blocks back; those that are published stay cached. The sequence is as new then. */
  @Override
  public void close() {
    truncate(0);
    cacheable = false;
  }
}
