package io.chasqui.engine;

import io.chasqui.sampling.StopMatcher;
import io.chasqui.sampling.StopSequences;
import io.chasqui.tokenizer.Detokenizer;
import io.chasqui.tokenizer.Tokenizer;

/** The text of one sequence of tokens, as much of it as is final after each of them. */
final class AnswerText {
  private final Detokenizer detokenizer;
  private final StopMatcher stops;

  /**
   * @param stops sequences before which the text ends
   */
  AnswerText(Tokenizer tokenizer, StopSequences stops) {
    detokenizer = tokenizer.newDetokenizer();
    this.stops = new StopMatcher(stops);
  }

  private AnswerText(AnswerText other) {
    detokenizer = other.detokenizer.copy();
    stops = other.stops.copy();
  }

  /** Another text that begins with the same tokens, and goes on by itself. */
  AnswerText copy() {
    return new AnswerText(this);
  }

  /** What is final with a further token. */
  String append(int token) {
    return stops.append(detokenizer.append(token));
  }

  /** Whether a stop sequence was met: nothing comes after it. */
  boolean isStopped() {
    return stops.matched() != null;
  }

  /** What was held back, now that no token follows. */
  String flush() {
    return stops.append(detokenizer.flush()) + stops.flush();
  }
}
