package io.chasqui.kernel;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.MemorySegment;

/**
 * Keys and values of one head in one KV block; the specification of {@link KvLayout}.
 *
 * @param block the bytes of the head in the block
 */
record KvHead(KvLayout kv, MemorySegment block) {
  /** The head of the block that holds {@code position}. */
  static KvHead at(
      KvLayout kv, MemorySegment cache, MemorySegment blocks, int position, int kvHead) {
    long block = blocks.getAtIndex(JAVA_INT, position / BLOCK_POSITIONS);
    long offset = block * kv.blockBytes() + kvHead * kv.headBytes();
    return new KvHead(kv, cache.asSlice(offset, kv.headBytes()));
  }

  void storeKey(int position, float[] key) {
    float scale = scaleOf(key);
    for (int d = 0; d < key.length; d++) {
      set(keyIndex(position, d), key[d], scale);
    }
    setScale(position, scale);
  }

  void storeValue(int position, float[] value) {
    float scale = scaleOf(value);
    for (int d = 0; d < value.length; d++) {
      set(valueIndex(position, d), value[d], scale);
    }
    setScale(BLOCK_POSITIONS + position, scale);
  }

  /** What is stored of an element of a key: without its scale. */
  float key(int position, int d) {
    return get(keyIndex(position, d));
  }

  float keyScale(int position) {
    return scale(position);
  }

  /** What is stored of an element of a value: without its scale. */
  float value(int position, int d) {
    return get(valueIndex(position, d));
  }

  float valueScale(int position) {
    return scale(BLOCK_POSITIONS + position);
  }

  private long keyIndex(int position, int d) {
    return (long) d * BLOCK_POSITIONS + position;
  }

  private long valueIndex(int position, int d) {
    return (long) (BLOCK_POSITIONS + position) * kv.headSize() + d;
  }

  private float get(long index) {
    return switch (kv.type()) {
      case F16 -> Float.float16ToFloat(block.get(WeightCodec.SHORT, index * Short.BYTES));
      case I8 -> block.get(JAVA_BYTE, index);
    };
  }

  private void set(long index, float value, float scale) {
    switch (kv.type()) {
      case F16 -> block.set(WeightCodec.SHORT, index * Short.BYTES, Float.floatToFloat16(value));
      case I8 ->
          block.set(JAVA_BYTE, index, (byte) (scale == 0 ? 0 : ScalarKernels.quant(value / scale)));
    }
  }

  private float scale(int index) {
    return switch (kv.type()) {
      case F16 -> 1;
      case I8 -> block.get(JAVA_FLOAT, 2 * kv.partBytes() + (long) index * Float.BYTES);
    };
  }

  private void setScale(int index, float scale) {
    if (kv.type() == KvLayout.Type.I8) {
      block.set(JAVA_FLOAT, 2 * kv.partBytes() + (long) index * Float.BYTES, scale);
    }
  }

  private static float scaleOf(float[] values) {
    int max = 0;
    for (float value : values) {
      max = Math.max(max, Float.floatToRawIntBits(value) & Integer.MAX_VALUE);
    }
    return Float.intBitsToFloat(max) / 127;
  }
}
