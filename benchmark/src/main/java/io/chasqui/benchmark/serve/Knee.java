package io.chasqui.benchmark.serve;

import java.util.Map;
import java.util.SortedMap;

/**
 * Where a server has enough: the highest rate at which, as at all lower ones that were measured, at
 * least 90 % of the requests keep their limits. That is the rule of DistServe.
 *
 * @see <a href="https://www.usenix.org/conference/osdi24/presentation/zhong-yinmin">DistServe, OSDI
 *     2024</a>
 */
final class Knee {
  static final double PART = 0.9;

  private Knee() {}

  /**
   * The knee in requests a second; 0 if the lowest rate is too much already.
   *
   * @param parts of the requests that keep their limits, by rate
   */
  static double of(SortedMap<Double, Double> parts) {
    double knee = 0;
    for (Map.Entry<Double, Double> each : parts.entrySet()) {
      if (each.getValue() < PART) {
        return knee;
      }
      knee = each.getKey();
    }
    return knee;
  }
}
