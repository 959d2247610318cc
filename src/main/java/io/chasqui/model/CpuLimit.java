package io.chasqui.model;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** How many threads can run at once here. */
public final class CpuLimit {
  /** Microseconds in each period, and its length; without a limit the first is no number. */
  private static final Pattern QUOTA_AND_PERIOD = Pattern.compile("(\\d{1,18})\\s+(\\d{1,18})");

  private CpuLimit() {}

  /**
   * The processors that this process may use: those that it is bound to, and no more than the quota
   * of its control groups pays for, rounded up. The quota is read here because a native executable
   * does not look for one.
   */
  public static int processors() {
    return limit(Runtime.getRuntime().availableProcessors(), ControlGroup.ofThisProcess());
  }

  /** Applies the least quota. */
  static int limit(int processors, ControlGroup groups) {
    return Stream.concat(
            groups.version2("cpu.max").stream(),
            groups.version1("cpu", "cpu.cfs_quota_us", "cpu.cfs_period_us").stream())
        .map(QUOTA_AND_PERIOD::matcher)
        .filter(Matcher::matches)
        .mapToInt(quota -> processors(quota, processors))
        .reduce(processors, Math::min);
  }

  private static int processors(Matcher quotaAndPeriod, int most) {
    long quota = Long.parseLong(quotaAndPeriod.group(1));
    long period = Math.max(1, Long.parseLong(quotaAndPeriod.group(2)));
    return (int) Math.clamp((quota + period - 1) / period, 1, most);
  }
}
