package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;

import io.chasqui.pack.PackedPrefix;
import java.util.Arrays;
import java.util.List;

/**
 * The accounting of the blocks of a {@link KvCache}. A block is free, or used by one or more
 * sequences, or cached: nobody uses it, but it holds a full block of a text that a later sequence
 * may begin with. When there are no free blocks, the cached block goes that has not been used for
 * longest; of a text its end goes first, for a block without its predecessors is of no use.
 *
 * <p>A text that begins with a prefix which came with the model gets the prefix's blocks copied
 * when it finds them neither used nor cached: from then on they are blocks like others.
 *
 * <p>For one thread at a time; the counts may be read by any thread and are then those of a moment
 * ago.
 */
public final class KvBlocks {
  /** What is stored in the blocks. */
  interface Storage {
    /** Copies it to another block. */
    void copyBlock(int from, int to);

    /** Replaces it by what a prefix has of its 16 tokens at {@code index}. */
    void restoreBlock(PackedPrefix prefix, int index, int block);
  }

  private final Storage storage;
  private final List<PackedPrefix> prefixes;

  /** Of each block, how many sequences use it. */
  private final int[] references;

  private final int[] free;
  private int freeCount;

  /** Full blocks that sequences have published, whether used or cached. */
  private final PrefixIndex published;

  /**
   * The cached blocks, in the order in which they were left. Whoever uses a published block uses
   * its predecessors too, and leaves them after it: so a block is here before its predecessor is.
   */
  private final BlockQueue cached;

  /** All blocks are free. */
  public KvBlocks(KvCache cache) {
    this(cache, List.of());
  }

  /**
   * All blocks are free.
   *
   * @param prefixes of the cache's model, stored as the cache does; used as long as this is
   * @throws IllegalArgumentException if one is stored as another type
   */
  public KvBlocks(KvCache cache, List<PackedPrefix> prefixes) {
    this(cache.blocks(), cache, prefixes);
    for (PackedPrefix prefix : prefixes) {
      if (prefix.type() != cache.layout().type()) {
        throw new IllegalArgumentException(
            "a prefix stored as %s does not fit blocks of %s"
                .formatted(prefix.type(), cache.layout().type()));
      }
    }
  }

  KvBlocks(int blocks, Storage storage, List<PackedPrefix> prefixes) {
    this.storage = storage;
    this.prefixes = List.copyOf(prefixes);
    references = new int[blocks];
    free = new int[blocks];
    Arrays.setAll(free, i -> blocks - 1 - i);
    freeCount = blocks;
    published = new PrefixIndex(blocks);
    cached = new BlockQueue(blocks);
  }

  /** Blocks in all. */
  public int blocks() {
    return references.length;
  }

  /** Blocks that hold nothing of use. */
  public int free() {
    return freeCount;
  }

  /** Blocks that hold what may be of use again; they are given to sequences when none is free. */
  public int cached() {
    return cached.size();
  }

  /** Blocks that sequences use; one that several share counts once. */
  public int used() {
    return blocks() - free() - cached();
  }

  /** Blocks that sequences can take: those that are free, and those that are cached. */
  public int available() {
    return freeCount + cached.size();
  }

  /** Gives a block, which holds nothing, to its first user; one must be {@link #available}. */
  int take() {
    int block;
    if (freeCount > 0) {
      block = free[--freeCount];
    } else {
      block = cached.removeFirst();
      published.remove(block);
    }
    references[block] = 1;
    return block;
  }

  /** Counts one more user of a block that is used or cached. */
  void share(int block) {
    if (references[block]++ == 0) {
      cached.remove(block);
    }
  }

  /** Counts one user less; of a text's blocks the last is released first. */
  void release(int block) {
    if (--references[block] > 0) {
      return;
    }
    if (published.contains(block)) {
      cached.add(block);
    } else {
      free[freeCount++] = block;
    }
  }

  /** How many sequences use a block: where there are more, writing to it needs a copy. */
  int references(int block) {
    return references[block];
  }

  /** Replaces a shared block by a copy for one of its users; a block must be available. */
  int copy(int block) {
    int copy = take();
    storage.copyBlock(block, copy);
    published.copy(block, copy);
    release(block);
    return copy;
  }

  /** Prepares a block with one user for writing: the prefix cache offers it no longer. */
  void withdraw(int block) {
    if (published.contains(block)) {
      published.remove(block);
    }
  }

  /** Notes tokens that are written to a block that is neither shared nor published. */
  void write(int block, int offset, int[] tokens, int index, int count) {
    published.write(block, offset, tokens, index, count);
  }

  /**
   * Shares the block that holds 16 tokens of a text, or makes it if the text begins with a prefix
   * and a block is available.
   *
   * @param predecessor the published block before it, or {@link PrefixIndex#NONE}
   * @param from the index of the first of the tokens
   * @return {@link PrefixIndex#NONE} if there is none
   */
  int adopt(int predecessor, int[] tokens, int from, long salt) {
    int block = published.find(predecessor, tokens, from, salt);
    if (block == PrefixIndex.NONE) {
      return restore(predecessor, tokens, from, salt);
    }
    share(block);
    return block;
  }

  private int restore(int predecessor, int[] tokens, int from, long salt) {
    for (PackedPrefix prefix : prefixes) {
      if (prefix.begins(tokens, from + BLOCK_POSITIONS) && available() > 0) {
        int block = take();
        storage.restoreBlock(prefix, from / BLOCK_POSITIONS, block);
        published.write(block, 0, tokens, from, BLOCK_POSITIONS);
        published.add(predecessor, block, salt);
        return block;
      }
    }
    return PrefixIndex.NONE;
  }

  /**
   * Offers a full block to other sequences.
   *
   * @param predecessor the published block before it, or {@link PrefixIndex#NONE}
   * @return the block to use from now on: an equal one that was published before, if there is one.
   *     They hold the same bits, for what a token computes depends on the tokens before it alone
   */
  int publish(int predecessor, int block, long salt) {
    int equal = published.findEqual(predecessor, block, salt);
    if (equal == PrefixIndex.NONE) {
      published.add(predecessor, block, salt);
      return block;
    }
    share(equal);
    release(block);
    return equal;
  }
}
