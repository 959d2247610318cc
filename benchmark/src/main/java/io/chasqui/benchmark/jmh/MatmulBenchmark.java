package io.chasqui.benchmark.jmh;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.Matrix;
import io.chasqui.kernel.QuantizedRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Products of a matrix [8192, 2048] with 1 to 128 tokens, the rows split between one or two
 * threads: multiply-adds and bytes of weights a second, the best and the median of many short
 * repetitions. The matrices are used in turn and are larger together than the caches.
 *
 * <p>A plain program, because JMH does not split one operation among threads. Arguments: names of
 * weight types (all unless given).
 */
public final class MatmulBenchmark {
  private static final int ROWS = 8192;
  private static final int COLUMNS = 2048;
  private static final int MAX_TOKENS = 128;
  private static final long MATRICES_BYTES = 256L << 20;
  private static final double SECONDS = 1.5;

  private MatmulBenchmark() {}

  public static void main(String[] args) throws Exception {
    System.out.println(
        "kernels | type | tokens | threads | GMAC/s best | median | GB/s best | median");
    System.out.println("---|---|---|---|---|---|---|---");
    String[] types = args.length > 0 ? args : new String[] {"Q4", "Q8", "BF16", "F32"};
    Kernels kernels = Kernels.best();
    for (String type : types) {
      try (Arena arena = Arena.ofShared()) {
        measure(kernels, DType.valueOf(type), arena);
      }
    }
  }

  private static void measure(Kernels kernels, DType dtype, Arena arena) throws Exception {
    long bytes = dtype.bytes(ROWS, COLUMNS);
    Matrix[] matrices = new Matrix[(int) Math.max(2, MATRICES_BYTES / bytes)];
    for (int i = 0; i < matrices.length; i++) {
      matrices[i] = new Matrix(dtype, ROWS, COLUMNS, arena.allocate(bytes, 64));
      matrices[i].data().fill((byte) 0x33);
    }
    MemorySegment x = arena.allocate(MAX_TOKENS * COLUMNS * 4L, 64);
    Random random = new Random(1);
    for (int i = 0; i < MAX_TOKENS * COLUMNS; i++) {
      x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
    }
    MemorySegment q8 = arena.allocate(QuantizedRows.bytes(MAX_TOKENS, COLUMNS), 64);
    kernels.quantize(x, MAX_TOKENS, COLUMNS, q8);
    MemorySegment input = dtype.quantized() ? q8 : x;
    MemorySegment out = arena.allocate(MAX_TOKENS * ROWS * 4L, 64);

    for (int m : new int[] {1, 4, 16, 128}) {
      for (int threads : new int[] {1, 2}) {
        double[] seconds = times(kernels, matrices, input, m, out, threads);
        double macs = (double) ROWS * COLUMNS * m / 1e9;
        System.out.printf(
            Locale.ROOT,
            "%s | %s | %d | %d | %.0f | %.0f | %.1f | %.1f%n",
            kernels.name(),
            dtype,
            m,
            threads,
            macs / seconds[0],
            macs / seconds[seconds.length / 2],
            bytes / 1e9 / seconds[0],
            bytes / 1e9 / seconds[seconds.length / 2]);
      }
    }
  }

  /** Seconds of every repetition, sorted. */
  private static double[] times(
      Kernels kernels, Matrix[] matrices, MemorySegment x, int m, MemorySegment out, int threads)
      throws Exception {
    int repetitions = 0;
    long begin = System.nanoTime();
    while (System.nanoTime() - begin < 3e8) {
      kernels.matmul(matrices[repetitions++ % matrices.length], x, m, out, ROWS, 0, ROWS / 16);
    }
    repetitions = (int) Math.max(5, repetitions * SECONDS * threads / 0.3);
    double[] seconds = new double[repetitions];
    AtomicInteger arrivals = new AtomicInteger();
    Thread[] team = new Thread[threads];
    int share = ROWS / 16 / threads;
    long[] starts = new long[threads];
    long[] ends = new long[threads];
    for (int i = 0; i < threads; i++) {
      int index = i;
      int from = index * share;
      team[i] =
          Thread.ofPlatform()
              .start(() -> {
                for (int r = 0; r < seconds.length; r++) {
                  meet(arrivals, threads);
                  starts[index] = System.nanoTime();
                  kernels.matmul(
                      matrices[r % matrices.length], x, m, out, ROWS, from, from + share);
                  ends[index] = System.nanoTime();
                  meet(arrivals, threads);
                  if (index == 0) {
                    long start = Arrays.stream(starts).min().getAsLong();
                    seconds[r] = (Arrays.stream(ends).max().getAsLong() - start) / 1e9;
                  }
                }
              });
    }
    for (Thread thread : team) {
      thread.join();
    }
    Arrays.sort(seconds);
    return seconds;
  }

  /** Spins until all threads are here: a parked thread would wake later than a product takes. */
  private static void meet(AtomicInteger arrivals, int threads) {
    int arrived = arrivals.incrementAndGet();
    int complete = (arrived + threads - 1) / threads * threads;
    while (arrivals.get() < complete) {
      Thread.onSpinWait();
    }
  }
}
