package io.chasqui.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How many threads can run at once here. */
public final class CpuLimit {
  private static final String CGROUP = "/sys/fs/cgroup/cpu.max";
  private static final Pattern QUOTA_AND_PERIOD = Pattern.compile("(\\d{1,18})\\s+(\\d{1,18})");

  private CpuLimit() {}

  /**
   * The processors that this process may use: those that it is bound to, and no more than the
   * container's quota of control group v2 pays for, rounded up. The quota is read here because a
   * native executable does not look for one.
   */
  public static int processors() {
    return limit(Runtime.getRuntime().availableProcessors(), SystemFile.read(CGROUP));
  }

  /**
   * Applies a quota.
   *
   * @param cpuMax the content of {@code cpu.max}: quota and period in microseconds, or {@code max}
   */
  static int limit(int processors, String cpuMax) {
    Matcher fields = QUOTA_AND_PERIOD.matcher(cpuMax.strip());
    if (!fields.matches()) {
      return processors;
    }
    long quota = Long.parseLong(fields.group(1));
    long period = Math.max(1, Long.parseLong(fields.group(2)));
    return (int) Math.clamp((quota + period - 1) / period, 1, processors);
  }
}
