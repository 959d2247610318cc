package io.chasqui.engine;

import io.chasqui.kernel.KvLayout;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How an engine shares itself among requests.
 *
 * @param maxContext tokens that prompt and answer may have together, if the model and the memory
 *     for keys and values allow as many
 * @param kvType how a packed model's keys and values are stored; Jlama has its own way
 * @param kvMemory bytes that the keys and values of a packed model may take; what the memory limit
 *     of the container leaves if empty
 * @param maxSequences sequences that run at once, on one pass over the weights; if empty, as many
 *     as the memory for keys and values is good for, and 16 at most; one where Jlama runs the model
 * @param queueCapacity requests that may wait; one more is refused
 * @param stallTimeout how long a subscriber may leave a full channel unread before its generation
 *     is cancelled
 * @param speculation whether tokens are guessed ahead for requests that do not say; without effect
 *     on models that run on Jlama
 * @param listener told of every token and every end
 */
public record EngineOptions(
    int maxContext,
    KvLayout.Type kvType,
    OptionalLong kvMemory,
    OptionalInt maxSequences,
    int queueCapacity,
    Duration stallTimeout,
    Speculation speculation,
    EngineListener listener) {
  /** A step has a token of each. */
  static final int MOST_SEQUENCES = 64;

  public static final EngineOptions DEFAULTS =
      new EngineOptions(
          8192,
          KvLayout.Type.F16,
          OptionalLong.empty(),
          OptionalInt.empty(),
          16,
          Duration.ofSeconds(30),
          Speculation.OFF,
          new EngineListener() {});

  /**
   * @throws IllegalArgumentException if an option is out of range
   */
  public EngineOptions {
    if (maxContext < 2) {
      throw new IllegalArgumentException(
          "the context must have at least 2 tokens, but is " + maxContext);
    }
    if (kvMemory.isPresent() && kvMemory.getAsLong() < 1) {
      throw new IllegalArgumentException(
          "memory for keys and values must be positive, but is " + kvMemory.getAsLong());
    }
    int sequences = maxSequences.orElse(1);
    if (sequences < 1 || sequences > MOST_SEQUENCES) {
      throw new IllegalArgumentException(
          "from 1 to %d sequences can run at once, not %d".formatted(MOST_SEQUENCES, sequences));
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

  public EngineOptions withMaxContext(int maxContext) {
    return new EngineOptions(
        maxContext,
        kvType,
        kvMemory,
        maxSequences,
        queueCapacity,
        stallTimeout,
        speculation,
        listener);
  }

  public EngineOptions withKv(KvLayout.Type kvType, OptionalLong kvMemory) {
    return new EngineOptions(
        maxContext,
        kvType,
        kvMemory,
        maxSequences,
        queueCapacity,
        stallTimeout,
        speculation,
        listener);
  }

  public EngineOptions withListener(EngineListener listener) {
    return new EngineOptions(
        maxContext,
        kvType,
        kvMemory,
        maxSequences,
        queueCapacity,
        stallTimeout,
        speculation,
        listener);
  }
}
