package io.chasqui.model;

import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The memory of keys and values: one arena, cut into blocks of 16 positions that sequences borrow.
 * A block has the same number in every layer. For one thread at a time.
 */
public final class KvCache implements AutoCloseable {
  private final KvLayout layout;
  private final int blocks;
  private final NativeMemory memory = new NativeMemory();
  private final MemorySegment[] layers;
  private final int[] free;
  private int freeCount;

  /**
   * Reserves the memory; a page of it becomes resident when a position in it is written.
   *
   * @param blocks how many blocks each layer has
   */
  public KvCache(KvLayout layout, int layerCount, int blocks) {
    this.layout = layout;
    this.blocks = blocks;
    layers = new MemorySegment[layerCount];
    for (int i = 0; i < layerCount; i++) {
      layers[i] = memory.allocate(blocks * layout.blockBytes());
    }
    free = new int[blocks];
    Arrays.setAll(free, i -> blocks - 1 - i);
    freeCount = blocks;
  }

  KvLayout layout() {
    return layout;
  }

  MemorySegment layer(int layer) {
    return layers[layer];
  }

  /** Blocks that nobody has. */
  public int free() {
    return freeCount;
  }

  /** Blocks in all. */
  public int blocks() {
    return blocks;
  }

  /** Bytes that all blocks take. */
  public long bytes() {
    return (long) layers.length * blocks * layout.blockBytes();
  }

  int take() {
    if (freeCount == 0) {
      throw new IllegalStateException("all " + blocks + " KV blocks are taken");
    }
    return free[--freeCount];
  }

  void giveBack(int block) {
    free[freeCount++] = block;
  }

  /** Frees the memory; no sequence may be used after it. */
  @Override
  public void close() {
    memory.close();
  }
}
