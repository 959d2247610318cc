package io.chasqui.engine;

/** Why an answer ended. */
public enum FinishReason {
  /** The model ended its turn, or a stop sequence was met. */
  STOP,
  /** The request's token limit or the model's context was reached. */
  LENGTH,
  /** The request's time was up; what had become final until then is the answer. */
  DEADLINE,
  /** Somebody called {@link Generation#cancel()}. */
  CANCELLED,
  /** The subscriber left a full channel unread for longer than the engine's options allow. */
  UNREAD,
  /** The engine was closed. */
  CLOSED;

  /** Whether the answer was given up before its end. */
  public boolean isCut() {
    return this == CANCELLED || this == UNREAD || this == CLOSED;
  }
}
