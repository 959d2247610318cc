package io.chasqui.benchmark.jmh;

import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Collections;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Attention of one token, and of a chunk of a prompt, over 2048 positions in shuffled blocks, on
 * one thread: 32 query heads, 8 KV heads of 64 elements, 16 layers used in turn. Bytes of KV and
 * multiply-adds a second, the best and the median of many short repetitions.
 */
public final class AttentionBenchmark {
  private static final int DEPTH = 2048;
  private static final int HEADS = 32;
  private static final int LAYERS = 16;
  private static final int CHUNK = 128;
  private static final double SECONDS = 1.5;

  private AttentionBenchmark() {}

  public static void main(String[] args) {
    System.out.println(
        "kernels | KV | tokens | µs best | median | GB/s best | median | GMAC/s best");
    System.out.println("---|---|---|---|---|---|---|---");
    for (KvLayout.Type type : KvLayout.Type.values()) {
      try (Arena arena = Arena.ofConfined()) {
        measure(Kernels.best(), new KvLayout(type, 8, 64), arena);
      }
    }
  }

  private static void measure(Kernels kernels, KvLayout kv, Arena arena) {
    int width = HEADS * kv.headSize();
    MemorySegment x = arena.allocate((long) DEPTH * width * Float.BYTES, 64);
    Random random = new Random(1);
    for (int i = 0; i < DEPTH * width; i++) {
      x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    var ids = Arrays.asList(IntStream.range(0, DEPTH / 16).boxed().toArray(Integer[]::new));
    Collections.shuffle(ids, random);
    MemorySegment blocks =
        arena.allocateFrom(ValueLayout.JAVA_INT, ids.stream().mapToInt(i -> i).toArray());
    MemorySegment[] layers = new MemorySegment[LAYERS];
    for (int l = 0; l < LAYERS; l++) {
      layers[l] = arena.allocate(DEPTH / 16 * kv.blockBytes(), 64);
      kernels.storeKv(kv, layers[l], blocks, 0, x, x, width, DEPTH);
    }
    MemorySegment out = arena.allocate((long) CHUNK * width * Float.BYTES, 64);
    for (int m : new int[] {1, CHUNK}) {
      double[] seconds = new double[0];
      long begin = System.nanoTime();
      while (System.nanoTime() - begin < SECONDS * 1e9) {
        MemorySegment layer = layers[seconds.length % LAYERS];
        long start = System.nanoTime();
        kernels.attention(
            kv, layer, blocks, DEPTH - m, x, width, m, HEADS, 0.125f, out, width, 0, kv.kvHeads());
        seconds = Arrays.copyOf(seconds, seconds.length + 1);
        seconds[seconds.length - 1] = (System.nanoTime() - start) / 1e9;
      }
      Arrays.sort(seconds);
      double bytes = (double) DEPTH / 16 * kv.blockBytes();
      double macs = 2.0 * m * DEPTH * width;
      double median = seconds[seconds.length / 2];
      System.out.printf(
          Locale.ROOT,
          "%s | %s | %d | %.0f | %.0f | %.1f | %.1f | %.0f%n",
          kernels.name(),
          kv.type(),
          m,
          seconds[0] * 1e6,
          median * 1e6,
          bytes / seconds[0] / 1e9,
          bytes / median / 1e9,
          macs / seconds[0] / 1e9);
    }
  }
}
