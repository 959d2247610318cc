package io.chasqui.engine;

import java.time.Duration;

/**
 * Told what the engine measures, by the engine's own thread, and of the end of a request that is
 * cancelled while it waits by whoever cancels it. Must be quick and must not throw: what an
 * exception would have told is lost.
 */
public interface EngineListener {
  /**
   * The model is there, and its first token about to be computed; told by the thread that opens.
   */
  default void loaded() {}

  /** The first token of an answer was chosen, this long after submission (TTFT). */
  default void firstToken(Duration sinceSubmission) {}

  /**
   * A further token was chosen, this long after the one before it (ITL). Of several tokens that one
   * pass gives, the first waits for the pass and the others for next to nothing.
   */
  default void nextToken(Duration sincePrevious) {}

  /**
   * The model was asked about a draft.
   *
   * @param drafted tokens that were guessed
   * @param accepted how many of them it would have chosen
   */
  default void verified(int drafted, int accepted) {}

  /**
   * A step was computed.
   *
   * @param sequences that shared it
   * @param tokens of all of them
   */
  default void stepped(int sequences, int tokens) {}

  /** An answer gave its KV memory to one that came before it, and will be computed again. */
  default void preempted() {}

  /** An answer ended. */
  default void finished(GenerationEvent.Finished end) {}

  /** A generation broke; its subscriber gets the cause. */
  default void failed(Throwable cause) {}

  /**
   * An error has ended the engine's thread, and all answers with it: no further request is taken.
   * The last thing that is told.
   */
  default void broke(Throwable cause) {}
}
