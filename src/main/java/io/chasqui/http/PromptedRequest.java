package io.chasqui.http;

import io.chasqui.engine.Engine;

/** A request for an answer, in either of OpenAI's two forms. */
sealed interface PromptedRequest permits ChatRequest, CompletionRequest {
  AnswerRequest answer();

  /** What traces call it. */
  String operation();

  /** The field that the prompt comes from, for errors. */
  String promptField();

  /**
   * The prompt's token ids.
   *
   * @throws IllegalArgumentException if the model cannot take it
   */
  int[] prompt(Engine engine);

  /** The most tokens of an answer whose client sets no limit. */
  int defaultMaxTokens();

  /**
   * How its answer is written.
   *
   * @param prompt the prompt's token ids
   */
  AnswerFormat format(Engine engine, int[] prompt);
}
