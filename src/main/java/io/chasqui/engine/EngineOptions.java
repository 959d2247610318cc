package io.chasqui.engine;

import java.time.Duration;

/**
 * How an engine shares itself among requests.
 *
 * @param maxContext tokens that prompt and answer may have together, if the model allows as many;
 *     memory for keys and values is reserved for so many
 * @param queueCapacity requests that may wait; one more is refused
 * @param stallTimeout how long a subscriber may leave a full channel unread before its generation
 *     is cancelled, for it keeps all others waiting
 * @param listener told of every token and every end
 */
public record EngineOptions(
    int maxContext, int queueCapacity, Duration stallTimeout, EngineListener listener) {
  public static final EngineOptions DEFAULTS =
      new EngineOptions(8192, 16, Duration.ofSeconds(30), new EngineListener() {});

  /**
   * @throws IllegalArgumentException if an option is out of range
   */
  public EngineOptions {
    if (maxContext < 2) {
      throw new IllegalArgumentException(
          "the context must have at least 2 tokens, but is " + maxContext);
    }
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
    return new EngineOptions(maxContext, queueCapacity, stallTimeout, listener);
  }
}
