package io.chasqui.engine;

import java.time.Duration;

/**
 * What a request can expect, from what the last answers took: exponential means, so that they
 * follow the load. The engine's thread measures, any thread may ask.
 */
final class Forecast {
  private static final double WEIGHT = 0.2;

  /** The mean until something is measured. */
  private static final double NONE = -1;

  private static final long LONGEST_SECONDS = 600;

  private final int slots;
  private volatile double answerSeconds = NONE;
  private volatile double promptTokenSeconds = NONE;

  /**
   * @param slots answers that run at once
   */
  Forecast(int slots) {
    this.slots = slots;
  }

  /** An answer has ended, so long after its turn came. */
  void answered(double seconds) {
    answerSeconds = mean(answerSeconds, seconds);
  }

  /**
   * A first token was chosen, so long after its turn came; what the prefix cache has counts too.
   */
  void prefilled(int promptTokens, double seconds) {
    promptTokenSeconds = mean(promptTokenSeconds, seconds / promptTokens);
  }

  private static double mean(double mean, double value) {
    return mean == NONE ? value : mean + WEIGHT * (value - mean);
  }

  /** Until a slot has become free so many times; a second for each where nothing is measured. */
  Duration turn(int slotsBefore) {
    return seconds(slotsBefore * (answerSeconds == NONE ? 1 : answerSeconds) / slots);
  }

  /**
   * Until the first token of a request; what is not measured yet counts nothing, so that nobody is
   * refused for a guess.
   */
  Duration firstToken(long slotsBefore, int promptTokens) {
    return seconds(
        slotsBefore * Math.max(0, answerSeconds) / slots
            + promptTokens * Math.max(0, promptTokenSeconds));
  }

  private static Duration seconds(double seconds) {
    return Duration.ofNanos((long) (1e9 * seconds));
  }

  /** In whole seconds of at least one, as a client is told to wait. */
  static Duration retryAfter(Duration duration) {
    return Duration.ofSeconds(
        Math.clamp(duration.plusNanos(999_999_999).toSeconds(), 1, LONGEST_SECONDS));
  }
}
