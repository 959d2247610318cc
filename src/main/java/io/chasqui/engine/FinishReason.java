package io.chasqui.engine;

/** Why an answer ended. */
public enum FinishReason {
  /** The model ended its turn, or a stop sequence was met. */
  STOP,
  /** The request's token limit or the model's context was reached. */
  LENGTH,
  /** The request's time was up; what had become final until then is the answer. */
  DEADLINE,
  /** Somebody called {@link Generation#cancel()}, or the engine was closed. */
  CANCELLED
}
