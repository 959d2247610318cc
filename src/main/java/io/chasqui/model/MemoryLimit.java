package io.chasqui.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory this process may take before the system ends it. */
public final class MemoryLimit {
  private static final Path CGROUP = Path.of("/sys/fs/cgroup/memory.max");
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final Pattern TOTAL = Pattern.compile("(?m)^MemTotal:\\s+(\\d{1,15}) kB$");

  private MemoryLimit() {}

  /**
   * Bytes: the container's limit of control group v2 or the machine's memory, whichever is smaller;
   * {@link Long#MAX_VALUE} where the system tells neither.
   */
  public static long bytes() {
    return limit(read(CGROUP), read(MEMINFO));
  }

  private static String read(Path file) {
    try {
      return Files.isReadable(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      return ""; // a system that does not tell a limit enforces none that we could know
    }
  }

  /**
   * Takes the smaller limit.
   *
   * @param memoryMax the content of {@code memory.max}: bytes, or {@code max}
   * @param meminfo the content of {@code /proc/meminfo}
   */
  static long limit(String memoryMax, String meminfo) {
    Matcher total = TOTAL.matcher(meminfo);
    long machine = total.find() ? Long.parseLong(total.group(1)) << 10 : Long.MAX_VALUE;
    String container = memoryMax.strip();
    return container.matches("\\d{1,18}") ? Math.min(Long.parseLong(container), machine) : machine;
  }
}
