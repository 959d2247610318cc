package io.chasqui.ops;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Time since this process started, which is before its first line of Java runs; right to about 10
 * ms.
 */
public final class ProcessClock {
  /** Linux counts the start of a process in these, whatever the kernel's own ticks are. */
  private static final int TICKS_PER_SECOND = 100;

  /** {@code starttime} among the fields after the command's name: number 22 in proc(5). */
  private static final int START_TIME = 19;

  /** {@link System#nanoTime} when main was entered; null where something else began. */
  private static volatile Long mainEntered;

  private final long started;

  ProcessClock() {
    started = System.nanoTime() - age().toNanos();
  }

  /** To be called first in the program; costs nothing. */
  public static void mainEntered() {
    mainEntered = System.nanoTime();
  }

  Duration now() {
    return since(System.nanoTime());
  }

  /** When main was entered; empty if it was not, as in tests. */
  Optional<Duration> atMain() {
    return Optional.ofNullable(mainEntered).map(this::since);
  }

  private Duration since(long nanoTime) {
    return Duration.ofNanos(Math.max(0, nanoTime - started));
  }

  private static Duration age() {
    try {
      Duration age =
          age(
              Files.readString(Path.of("/proc/self/stat")),
              Files.readString(Path.of("/proc/uptime")));
      if (!age.isNegative()) {
        return age;
      }
      // Some containers are told their own uptime, but the machine's times of processes.
    } catch (IOException e) {
      // Not Linux.
    }
    Instant now = Instant.now();
    Duration age = Duration.between(ProcessHandle.current().info().startInstant().orElse(now), now);
    return age.isNegative() ? Duration.ZERO : age;
  }

  /**
   * From Linux's own files: {@link ProcessHandle} adds its start to the time of boot in whole
   * seconds, and can be wrong by one.
   *
   * @param stat {@code /proc/PID/stat}
   * @param uptime {@code /proc/uptime}
   */
  static Duration age(String stat, String uptime) {
    // The command's name may hold spaces and parentheses.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
    long startTicks = Long.parseLong(fields[START_TIME]);
    double seconds = Double.parseDouble(uptime.substring(0, uptime.indexOf(' ')));
    return Duration.ofMillis(Math.round(seconds * 1000) - startTicks * 1000 / TICKS_PER_SECOND);
  }
}
