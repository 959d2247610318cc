package io.chasqui.engine;

import io.chasqui.sampling.Sampler;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenHistory;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.sampling.TokenSet;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;

/** What one thread chooses tokens with: a copy of a row of logits, and a sampler for it. */
final class Chooser {
  private final float[] logits;
  private final int tokensWithText;
  private final Sampler sampler;

  /** A chosen token; its log-probability, and those of others, where somebody wants them. */
  record Chosen(int token, Optional<TokenLogprobs> logprobs) {}

  /**
   * @param vocabularySize the length of a row
   * @param tokensWithText how many of them the tokenizer knows
   */
  Chooser(int vocabularySize, int tokensWithText, TokenSet endOfText) {
    this.tokensWithText = Math.min(tokensWithText, vocabularySize);
    logits = new float[vocabularySize];
    sampler = new Sampler(vocabularySize, endOfText);
  }

  /** Bytes that one takes: a row of logits, and the sampler's scratch memory. */
  static long bytes(int vocabularySize) {
    return (long) Float.BYTES * vocabularySize + Sampler.bytes(vocabularySize);
  }

  Sampler sampler() {
    return sampler;
  }

  /** Reads a row of the last step, {@code [vocabulary]}, which stays as it is until the next. */
  float[] read(TokenDecoder decoder, int row) {
    decoder.logits(row, logits);
    // Models pad their vocabulary to a round number; what has no text is never an answer.
    Arrays.fill(logits, tokensWithText, logits.length, Float.NEGATIVE_INFINITY);
    return logits;
  }

  /**
   * Chooses from the row that was read.
   *
   * @param index of the token in the output, from 0
   * @param topLogprobs of how many others the log-probability is wanted; empty if of none
   */
  Chosen choose(
      SamplingParameters sampling, TokenHistory history, int index, OptionalInt topLogprobs) {
    int token = sampler.next(logits, sampling, history, index);
    return new Chosen(
        token,
        topLogprobs.isPresent()
            ? Optional.of(TokenLogprobs.of(logits, token, topLogprobs.getAsInt()))
            : Optional.empty());
  }
}
