package io.chasqui.benchmark;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Measures what this machine's memory can be read at: the limit of decoding. */
final class MemoryBandwidth {
  /** Of each thread; more than the caches have. */
  private static final int LONGS = 32 << 20;

  private static final int REPETITIONS = 8;

  private MemoryBandwidth() {}

  /** Bytes a second that threads read together, each from an array of its own: the best of some. */
  static long measure(int threads) throws InterruptedException {
    try (ExecutorService team = Executors.newFixedThreadPool(threads)) {
      List<long[]> arrays = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        long[] array = new long[LONGS];
        Arrays.fill(array, i);
        arrays.add(array);
      }
      double best = 0;
      for (int i = 0; i < REPETITIONS; i++) {
        long start = System.nanoTime();
        long sum = 0;
        for (Future<Long> each :
            team.invokeAll(
                arrays.stream().map(array -> (Callable<Long>) () -> sum(array)).toList())) {
          sum += each.get();
        }
        double seconds = (System.nanoTime() - start) / 1e9;
        if (sum != (long) LONGS * threads * (threads - 1) / 2) {
          throw new IllegalStateException("the memory does not hold what was written");
        }
        best = Math.max(best, 8.0 * LONGS * threads / seconds);
      }
      return Math.round(best);
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  private static long sum(long[] array) {
    long sum = 0;
    for (long value : array) {
      sum += value;
    }
    return sum;
  }
}
