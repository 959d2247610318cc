package io.chasqui.engine;

import io.chasqui.sampling.TokenLogprobs;
import java.util.List;
import java.util.Optional;

/**
 * What a {@link Generation} publishes: what was asked of the prompt, then tokens, then one {@link
 * Finished}. The tokens of one choice come in their order; those of several come side by side.
 */
public sealed interface GenerationEvent {

  /**
   * The prompt's own probabilities, if the request asks for them; comes before the first token.
   *
   * @param logprobs of each token of the prompt how likely it was after those before it; empty for
   *     the first
   */
  record Prompt(List<Optional<TokenLogprobs>> logprobs) implements GenerationEvent {}

  /**
   * One token. The texts of all tokens of a choice, joined, are its whole answer.
   *
   * @param choice which of the request's answers it belongs to, from 0
   * @param index its place in the answer, from 0
   * @param id its id in the vocabulary
   * @param text the text that became final with it. It is empty while a character is incomplete or
   *     while the text could be the beginning of a stop sequence, and it can hold what earlier
   *     tokens left open.
   * @param logprobs how likely it was, if the request asks for that
   * @param end why the choice ends with it; empty if the choice goes on
   */
  record Token(
      int choice,
      int index,
      int id,
      String text,
      Optional<TokenLogprobs> logprobs,
      Optional<FinishReason> end)
      implements GenerationEvent {
    /** The same token as one of another choice. */
    Token of(int other) {
      return new Token(other, index, id, text, logprobs, end);
    }
  }

  /**
   * The end of the request. A choice whose last token did not say why it ends, ends here and with
   * this reason.
   *
   * @param reason why it ended; of several choices that of the last
   * @param published tokens that come before this event, of all choices together; fewer than were
   *     computed where only the best are wanted, or a search was given up
   * @param usage tokens taken, of all choices together
   * @param timings where the time went
   */
  record Finished(FinishReason reason, int published, Usage usage, Timings timings)
      implements GenerationEvent {}
}
