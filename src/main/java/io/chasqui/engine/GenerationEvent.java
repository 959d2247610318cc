package io.chasqui.engine;

/** What a {@link Generation} publishes: tokens in their order, then one {@link Finished}. */
public sealed interface GenerationEvent {

  /**
   * One token. The texts of all tokens, joined, are the whole answer.
   *
   * @param index its place in the answer, from 0
   * @param id its id in the vocabulary
   * @param text the text that became final with it. It is empty while a character is incomplete or
   *     while the text could be the beginning of a stop sequence, and it can hold what earlier
   *     tokens left open.
   */
  record Token(int index, int id, String text) implements GenerationEvent {}

  /**
   * The end of the answer.
   *
   * @param reason why it ended
   * @param usage tokens taken
   * @param timings where the time went
   */
  record Finished(FinishReason reason, Usage usage, Timings timings) implements GenerationEvent {}
}
