package io.chasqui.benchmark.profile;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.Matrix;
import io.chasqui.kernel.QuantizedRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Measures what this machine's processors can multiply with the instructions of the kernels, when
 * nothing has to come from memory: the product of a small matrix, which stays in the cache of its
 * core, with many tokens. That is a limit of these kernels' instruction mix (load and widen
 * weights, multiply, add, apply scales), not what the data sheet of a processor promises.
 */
final class ComputePeak {
  private static final int ROWS = 128;
  private static final int COLUMNS = 1024;
  private static final int TOKENS = 128;

  /** Many and short, so that some are undisturbed by what else runs on the machine. */
  private static final int SLICES = 200;

  private static final long SLICE_NANOS = 5_000_000;
  private static final byte ANY = 0x33;

  private ComputePeak() {}

  /**
   * Multiply-adds a second that threads do together, all at once and each with its own matrix: the
   * sum of each one's best slice.
   */
  static double measure(Kernels kernels, DType dtype, int threads) throws InterruptedException {
    try (ExecutorService team = Executors.newFixedThreadPool(threads)) {
      var speeds = new ArrayList<Future<Double>>();
      for (int thread = 0; thread < threads; thread++) {
        speeds.add(team.submit(() -> speed(kernels, dtype)));
      }
      double together = 0;
      for (Future<Double> each : speeds) {
        together += each.get();
      }
      return together;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  private static double speed(Kernels kernels, DType dtype) {
    try (Arena arena = Arena.ofConfined()) {
      var matrix = new Matrix(dtype, ROWS, COLUMNS, arena.allocate(dtype.bytes(ROWS, COLUMNS), 64));
      matrix.data().fill(ANY);
      MemorySegment x = arena.allocate(4L * TOKENS * COLUMNS, 64);
      var random = new Random(1);
      for (int i = 0; i < TOKENS * COLUMNS; i++) {
        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) random.nextGaussian());
      }
      MemorySegment q8 = arena.allocate(QuantizedRows.bytes(TOKENS, COLUMNS), 64);
      kernels.quantize(x, TOKENS, COLUMNS, q8);
      MemorySegment input = dtype.quantized() ? q8 : x;
      MemorySegment out = arena.allocate(4L * TOKENS * ROWS, 64);
      double best = 0;
      for (int slice = 0; slice < SLICES; slice++) {
        long calls = 0;
        long begin = System.nanoTime();
        long end = begin;
        while (end - begin < SLICE_NANOS) {
          kernels.matmul(matrix, input, TOKENS, out, ROWS, 0, matrix.groups());
          calls++;
          end = System.nanoTime();
        }
        best = Math.max(best, 1e9 * calls * ROWS * COLUMNS * TOKENS / (end - begin));
      }
      return best;
    }
  }
}
