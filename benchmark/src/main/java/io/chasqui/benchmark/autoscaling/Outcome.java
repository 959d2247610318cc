package io.chasqui.benchmark.autoscaling;

import java.util.Arrays;

/**
 * What a simulation came to, in the time that was measured. Percentiles are nearest ranks.
 *
 * @param seconds measured
 * @param refused requests that were answered with 503
 * @param meanRequests that were in the system at a time, in queues or running
 * @param podHours of all pods, from their creation until they end
 * @param mostPods ready or starting at a time
 * @param podStarts pods that were started
 * @param firstToken seconds to the first token of each answer, in ascending order
 * @param perToken mean seconds of each further token of each answer, in ascending order
 * @param total seconds from arrival to last token of each answer, in ascending order
 * @param coldFirstToken seconds to the first token of those that came when no pod was ready
 * @param good answers that were within the limits
 * @param timeline second by second, from the begin of the simulation
 */
public record Outcome(
    double seconds,
    int refused,
    double meanRequests,
    double podHours,
    int mostPods,
    int podStarts,
    Times firstToken,
    Times perToken,
    Times total,
    Times coldFirstToken,
    int good,
    Timeline timeline) {
  /** Seconds, in ascending order. */
  public static final class Times {
    private final double[] sorted;

    Times(double[] seconds) {
      sorted = seconds.clone();
      Arrays.sort(sorted);
    }

    /** How many there are. */
    public int count() {
      return sorted.length;
    }

    /** The least of them that no less than this share of them does not exceed; 0 of none. */
    public double percentile(double share) {
      return count() == 0 ? 0 : sorted[Math.max(0, (int) Math.ceil(share * count()) - 1)];
    }

    /** 0 of none. */
    public double mean() {
      return Arrays.stream(sorted).average().orElse(0);
    }

    /** The share of them that is above a limit. */
    public double shareAbove(double limit) {
      return count() == 0
          ? 0
          : Arrays.stream(sorted).filter(time -> time > limit).count() / (double) count();
    }
  }

  /** Requests that were measured. */
  public int requests() {
    return total.count() + refused;
  }

  /** The part of the requests whose answers were within the limits. */
  public double goodShare() {
    return requests() == 0 ? 1 : good / (double) requests();
  }

  /** Pods at a time, those that start or end included. */
  public double meanPods() {
    return podHours * 3600 / seconds;
  }
}
