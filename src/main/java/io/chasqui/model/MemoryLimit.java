package io.chasqui.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** How much memory this process may take before the system ends it. */
final class MemoryLimit {
  private static final String MEMINFO = "/proc/meminfo";
  private static final Pattern TOTAL = Pattern.compile("(?m)^MemTotal:\\s+(\\d{1,15}) kB$");

  /** Version 2 says {@code max} where there is no limit, version 1 a number of 19 digits. */
  private static final Pattern BYTES = Pattern.compile("\\d{1,18}");

  private MemoryLimit() {}

  /**
   * Bytes: the least limit of the control groups or the machine's memory, whichever is smaller;
   * {@link Long#MAX_VALUE} where the system tells neither.
   */
  static long bytes() {
    return limit(ControlGroup.ofThisProcess(), SystemFile.read(MEMINFO));
  }

  /**
   * Takes the smallest limit.
   *
   * @param meminfo the content of {@code /proc/meminfo}
   */
  static long limit(ControlGroup groups, String meminfo) {
    Matcher total = TOTAL.matcher(meminfo);
    long machine = total.find() ? Long.parseLong(total.group(1)) << 10 : Long.MAX_VALUE;
    return Stream.concat(
            groups.version2("memory.max").stream(),
            groups.version1("memory", "memory.limit_in_bytes").stream())
        .filter(limit -> BYTES.matcher(limit).matches())
        .mapToLong(Long::parseLong)
        .reduce(machine, Math::min);
  }
}
