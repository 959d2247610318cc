package io.chasqui.engine;

import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * One admitted request: a publisher of its tokens for exactly one subscriber.
 *
 * <p>The engine computes ahead of demand by a bounded number of tokens and then waits. Events come
 * on whichever thread made them possible, the engine's own among them: a subscriber must not block
 * in {@code onNext}.
 */
public interface Generation extends Flow.Publisher<GenerationEvent> {
  /**
   * Ends the generation before its next token; the subscriber gets a {@link
   * GenerationEvent.Finished} with {@link FinishReason#CANCELLED}. A subscriber that wants no more
   * events cancels its subscription instead, with the same effect on the engine. Does nothing when
   * the generation has ended.
   */
  void cancel();

  /**
   * What the request has taken, known when the generation has ended, however it ends: whole, cut,
   * failed, before its turn or after, and whether anybody subscribes or not. It never completes
   * with a failure.
   *
   * <p>It completes just before the subscriber's last event, on the thread that ends the
   * generation, the engine's own among them: what depends on it must not block.
   */
  CompletionStage<Usage> usage();
}
