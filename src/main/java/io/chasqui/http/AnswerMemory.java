package io.chasqui.http;

import io.chasqui.engine.GenerationRequest;
import io.chasqui.sampling.BeamParameters;

/**
 * What the answer to one request takes of the heap until it is written. A stream takes little, but
 * for what it must keep: the probabilities of its prompt, and choices of which the best are wanted.
 */
final class AnswerMemory {
  /** A token that is kept, with its text: three objects, two arrays and their places in lists. */
  private static final long TOKEN = 128;

  /** The probabilities of a token: two objects and two arrays. */
  private static final long LOGPROBS = 96;

  /** One of the most likely tokens beside it: an id and a probability. */
  private static final long LOGPROB = 8;

  private final FairShare.Part part;
  private final long most;

  /**
   * Takes nothing yet.
   *
   * @param most what the part can have if no other answer takes anything
   */
  AnswerMemory(FairShare.Part part, long most) {
    this.part = part;
    this.most = most;
  }

  /** What a token takes. */
  static long ofToken(int logprobs) {
    return TOKEN + ofLogprobs(logprobs);
  }

  private static long ofLogprobs(int logprobs) {
    return LOGPROBS + logprobs * LOGPROB;
  }

  /**
   * Takes what the engine keeps of an answer until its end, however it is written.
   *
   * @param contextLength the most tokens of prompt and answer together
   * @throws ApiException as {@link #take}
   */
  void takeForEngine(GenerationRequest request, int contextLength) {
    int logprobs = request.logprobs().orElse(0);
    long bytes = request.promptLogprobs() ? request.promptLength() * ofLogprobs(logprobs) : 0;
    int choices = request.beams().map(BeamParameters::numBeams).orElseGet(request::computedChoices);
    if (request.beams().isPresent() || choices > request.choices()) {
      long tokens = Math.min(request.maxTokens(), contextLength - request.promptLength());
      bytes += choices * tokens * ofToken(logprobs);
    }
    take(bytes);
  }

  /**
   * Takes so many more bytes.
   *
   * @throws ApiException if this answer alone is too large, or if answers that are not read yet
   *     take all the memory for answers
   */
  void take(long bytes) {
    if (!part.take(bytes)) {
      throw part.taken() + bytes > most
          ? ApiException.answerTooLarge(most)
          : ApiException.tooManyAnswers();
    }
  }

  /** Gives all back, to take something else. */
  void giveBack() {
    part.giveBack();
  }
}
