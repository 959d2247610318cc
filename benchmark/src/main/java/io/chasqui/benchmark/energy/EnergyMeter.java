package io.chasqui.benchmark.energy;

import io.chasqui.benchmark.servers.Server;
import java.io.IOException;
import java.util.OptionalDouble;

/**
 * What a piece of work costs: processor time of the server that does it, and energy of the machine.
 */
final class EnergyMeter {
  /** Something that a server is made to do. */
  @FunctionalInterface
  interface Work {
    /** Returns how many tokens it has computed. */
    long run() throws IOException, InterruptedException;
  }

  /**
   * What work took.
   *
   * @param tokens that it has computed
   * @param cpuSeconds processor time of the server, all threads together
   * @param joules of the machine's processors, empty where they are not counted
   * @param gpuJoules of its GPUs, empty where there are none
   */
  record Cost(
      long tokens,
      double seconds,
      double cpuSeconds,
      OptionalDouble joules,
      OptionalDouble gpuJoules) {}

  private final Rapl rapl;
  private final GpuPower gpus;

  /**
   * @param gpus null where there are none
   */
  EnergyMeter(Rapl rapl, GpuPower gpus) {
    this.rapl = rapl;
    this.gpus = gpus;
  }

  Cost measure(Server server, Work work) throws IOException, InterruptedException {
    Rapl.Reading before = rapl.read();
    double gpuBefore = gpuJoules();
    double cpu = server.cpuSeconds();
    long begin = System.nanoTime();
    long tokens = work.run();
    double seconds = (System.nanoTime() - begin) / 1e9;
    double cpuSeconds = server.cpuSeconds() - cpu;
    double gpuAfter = gpuJoules();
    double joules = rapl.joules(before, rapl.read());
    return new Cost(
        tokens,
        seconds,
        cpuSeconds,
        rapl.missing().isEmpty() ? OptionalDouble.of(joules) : OptionalDouble.empty(),
        gpus == null ? OptionalDouble.empty() : OptionalDouble.of(gpuAfter - gpuBefore));
  }

  private double gpuJoules() {
    return gpus == null ? 0 : gpus.joules();
  }
}
