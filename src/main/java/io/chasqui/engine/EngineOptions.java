package io.chasqui.engine;

import java.time.Duration;

/**
 * How an engine shares itself among requests.
 *
 * @param queueCapacity requests that may wait; one more is refused
 * @param stallTimeout how long a subscriber may leave a full channel unread before its generation
 *     is cancelled, for it keeps all others waiting
 * @param listener told of every token and every end
 */
public record EngineOptions(int queueCapacity, Duration stallTimeout, EngineListener listener) {
  public static final EngineOptions DEFAULTS =
      new EngineOptions(16, Duration.ofSeconds(30), new EngineListener() {});

  /**
   * @throws IllegalArgumentException if an option is out of range
   */
  public EngineOptions {
    if (queueCapacity < 1) {
      throw new IllegalArgumentException(
          "the queue's capacity must be at least 1, but is " + queueCapacity);
    }
    if (!stallTimeout.isPositive()) {
      throw new IllegalArgumentException(
          "the stall timeout must be positive, but is " + stallTimeout);
    }
  }

  public EngineOptions withListener(EngineListener listener) {
    return new EngineOptions(queueCapacity, stallTimeout, listener);
  }
}
