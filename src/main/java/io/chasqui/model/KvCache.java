package io.chasqui.model;

import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.PackedPrefix;
import java.lang.foreign.MemorySegment;

/**
 * The memory of keys and values, cut into blocks of 16 positions. A block has the same number in
 * every layer. Who has which block is told by {@link KvBlocks}.
 */
public final class KvCache implements KvBlocks.Storage, AutoCloseable {
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

  @Override
  public void copyBlock(int from, int to) {
    long bytes = layout.blockBytes();
    for (MemorySegment layer : layers) {
      MemorySegment.copy(layer, from * bytes, layer, to * bytes, bytes);
    }
  }

  /**
   * Copies the keys and values of a block to other memory, as {@link PackedPrefix#blocks} has them.
   *
   * @param to {@code [layers]} blocks
   */
  void saveBlock(int block, MemorySegment to) {
    long bytes = layout.blockBytes();
    for (int i = 0; i < layers.length; i++) {
      MemorySegment.copy(layers[i], block * bytes, to, i * bytes, bytes);
    }
  }

  @Override
  public void restoreBlock(PackedPrefix prefix, int index, int block) {
    long bytes = layout.blockBytes();
    long from = (long) index * layers.length * bytes;
    for (int i = 0; i < layers.length; i++) {
      MemorySegment.copy(prefix.blocks(), from + i * bytes, layers[i], block * bytes, bytes);
    }
  }

  /** Frees the memory; no sequence may be used after it. */
  @Override
  public void close() {
    memory.close();
  }
}
