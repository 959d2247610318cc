package io.chasqui.benchmark.energy;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The energy of NVIDIA's GPUs, all of them together: what {@code nvidia-smi} tells of their power
 * several times a second, summed up.
 */
final class GpuPower implements AutoCloseable {
  private static final double NANO = 1e9;

  /** Power that comes line by line, {@code INDEX, WATTS}, and its integral. */
  static final class Integral {
    private record Sample(double watts, long time) {}

    private final Map<String, Sample> last = new HashMap<>();
    private double joules;

    /**
     * Adds what a GPU has used since its line before this one; {@code [N/A]} is left out.
     *
     * @param time as {@link System#nanoTime}
     */
    synchronized void add(String line, long time) {
      String[] fields = line.split("\\s*,\\s*");
      if (fields.length != 2 || !fields[1].matches("[0-9.]+")) {
        return;
      }
      var sample = new Sample(Double.parseDouble(fields[1]), time);
      Sample before = last.put(fields[0], sample);
      if (before != null) {
        joules += (before.watts() + sample.watts()) / 2 * (time - before.time()) / NANO;
      }
    }

    /** Joules so far, of all GPUs. */
    synchronized double joules() {
      return joules;
    }

    private synchronized boolean isTold() {
      return !last.isEmpty();
    }
  }

  private final Process process;
  private final Integral integral = new Integral();
  private final Thread reader;

  private GpuPower(Process process) {
    this.process = process;
    reader = Thread.ofVirtual().start(this::read);
  }

  /** Begins to sum up; empty where there is no GPU that tells its power. */
  static Optional<GpuPower> start() throws InterruptedException {
    try {
      var power =
          new GpuPower(
              new ProcessBuilder(
                      "nvidia-smi",
                      "--query-gpu=index,power.draw",
                      "--format=csv,noheader,nounits",
                      "--loop-ms=100")
                  .redirectErrorStream(true)
                  .start());
      Thread.sleep(1000);
      if (power.integral.isTold()) {
        return Optional.of(power);
      }
      power.close();
      return Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // no such program
    }
  }

  private void read() {
    try (BufferedReader lines = process.inputReader()) {
      lines.lines().forEach(line -> integral.add(line.strip(), System.nanoTime()));
    } catch (IOException | UncheckedIOException e) {
      // The program has been ended.
    }
  }

  /** Joules since the start. */
  double joules() {
    return integral.joules();
  }

  @Override
  public void close() {
    process.destroy();
    reader.interrupt();
  }
}
