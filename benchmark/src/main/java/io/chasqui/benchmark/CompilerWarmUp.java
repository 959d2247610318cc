package io.chasqui.benchmark;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.function.IntConsumer;

/** Repeats work until HotSpot's compilers have nothing left to do for it. */
public final class CompilerWarmUp {
  private static final int MOST_ROUNDS = 20;
  private static final double IDLE = 0.01;

  private CompilerWarmUp() {}

  /**
   * Does the work a number of times, and then in rounds of a quarter of that until one passes with
   * the compilers at work for less than a hundredth of its time.
   *
   * @param work does it as many times as it is told
   */
  public static void run(int times, IntConsumer work) {
    work.accept(times);
    CompilationMXBean compilers = ManagementFactory.getCompilationMXBean();
    for (int round = 0; round < MOST_ROUNDS; round++) {
      long compiling = compilers.getTotalCompilationTime();
      long begin = System.nanoTime();
      work.accept(Math.ceilDiv(times, 4));
      double millis = (System.nanoTime() - begin) / 1e6;
      if (compilers.getTotalCompilationTime() - compiling < IDLE * millis) {
        return;
      }
    }
  }
}
