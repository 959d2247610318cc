package io.chasqui.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much memory this process may take before the system ends it. */
final class MemoryLimit {
  private static final String CGROUP = "/sys/fs/cgroup/memory.max";
  private static final String MEMINFO = "/proc/meminfo";
  private static final Pattern TOTAL = Pattern.compile("(?m)^MemTotal:\\s+(\\d{1,15}) kB$");

  private MemoryLimit() {}

  /**
   * Bytes: the container's limit of control group v2 or the machine's memory, whichever is smaller;
   * {@link Long#MAX_VALUE} where the system tells neither.
   */
  static long bytes() {
    return limit(SystemFile.read(CGROUP), SystemFile.read(MEMINFO));
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
