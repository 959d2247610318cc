package io.chasqui.model;

import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeMemory;
import java.lang.foreign.MemorySegment;

/**
 * The memory of keys and values, cut into blocks of 16 positions. A block has the same number in
 * every layer. Who has which block is told by {@link KvBlocks}.
 */
public final class KvCache implements AutoCloseable {
  private final KvLayout layout;
  private final int blocks;
  private final NativeMemory memory = new NativeMemory();
  private final MemorySegment[] layers;

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
  }

  KvLayout layout() {
    return layout;
  }

  MemorySegment layer(int layer) {
    return layers[layer];
  }

  /** Blocks in all. */
  public int blocks() {
    return blocks;
  }

  /** Bytes that all blocks take. */
  public long bytes() {
    return (long) layers.length * blocks * layout.blockBytes();
  }

  /** Copies the keys and values of a block to another one, in all layers. */
  public void copyBlock(int from, int to) {
    long bytes = layout.blockBytes();
    for (MemorySegment layer : layers) {
      MemorySegment.copy(layer, from * bytes, layer, to * bytes, bytes);
    }
  }

  /** Frees the memory; no sequence may be used after it. */
  @Override
  public void close() {
    memory.close();
  }
}
