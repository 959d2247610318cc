package io.chasqui.http;

import io.chasqui.sampling.LogitBias;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenSet;
import java.util.Optional;

/**
 * The fields of a request that say how tokens are drawn, with OpenAI's, vLLM's and Hugging Face's
 * names. What the client leaves open is empty.
 */
record SamplingRequest(
    Optional<Boolean> doSample,
    Optional<Double> temperature,
    Optional<Integer> topK,
    Optional<Double> topP,
    Optional<Double> minP,
    Optional<Double> typicalP,
    Optional<Long> seed,
    Optional<Double> repetitionPenalty,
    Optional<Double> frequencyPenalty,
    Optional<Double> presencePenalty,
    Optional<Integer> noRepeatNgramSize,
    LogitBias logitBias,
    int minTokens,
    boolean ignoreEos,
    TokenSet stopTokens) {

  /** A search with beams looks at so many more continuations in each step. */
  private static final int MOST_STOP_TOKENS = 64;

  /**
   * Reads them.
   *
   * @throws ApiException if a value is wrong, or two of them contradict each other
   */
  static SamplingRequest parse(JsonFields body) {
    double penalty = SamplingParameters.MAX_PENALTY;
    var request =
        new SamplingRequest(
            body.choice("do_sample"),
            body.number("temperature", 0, SamplingParameters.MAX_TEMPERATURE),
            body.integer("top_k", -1, Integer.MAX_VALUE).map(k -> Math.max(0, k.intValue())),
            body.number("top_p", 0, 1).map(SamplingRequest::aboveZero),
            body.number("min_p", 0, 1),
            body.number("typical_p", 0, 1).map(SamplingRequest::aboveZero),
            body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
            body.number(
                "repetition_penalty",
                SamplingParameters.MIN_REPETITION_PENALTY,
                SamplingParameters.MAX_REPETITION_PENALTY),
            body.number("frequency_penalty", -penalty, penalty),
            body.number("presence_penalty", -penalty, penalty),
            body.integer("no_repeat_ngram_size", 0, Integer.MAX_VALUE).map(Long::intValue),
            LogitBias.of(body.numbersByToken("logit_bias", -LogitBias.MAX, LogitBias.MAX)),
            body.integer("min_tokens", 0, Integer.MAX_VALUE).map(Long::intValue).orElse(0),
            body.flag("ignore_eos"),
            stopTokens(body));
    request.refuseContradictions();
    return request;
  }

  private static TokenSet stopTokens(JsonFields body) {
    if (!body.has("stop_token_ids")) {
      return TokenSet.EMPTY;
    }
    int[] ids = body.tokenIds("stop_token_ids");
    if (ids.length > MOST_STOP_TOKENS) {
      throw ApiException.badRequest(
          "stop_token_ids",
          "'stop_token_ids' has %d token ids, but may have %d: leave some out."
              .formatted(ids.length, MOST_STOP_TOKENS));
    }
    return TokenSet.of(ids);
  }

  /** OpenAI accepts 0, which means: as few tokens as possible. */
  private static double aboveZero(double share) {
    return Math.max(Double.MIN_VALUE, share);
  }

  /** Of these, Hugging Face's {@code GenerationConfig.validate} warns, which nobody would see. */
  private void refuseContradictions() {
    if (doSample.isEmpty()) {
      return;
    }
    if (doSample.get()) {
      if (temperature.filter(t -> t == 0).isPresent()) {
        throw ApiException.badRequest(
            "do_sample",
            "'do_sample' is true, but 'temperature' is 0, which is greedy: change one of them.");
      }
      return;
    }
    refuseWithoutSampling("temperature", temperature.filter(t -> t != 0 && t != 1));
    refuseWithoutSampling("top_k", topK.filter(k -> k > 1));
    refuseWithoutSampling("top_p", topP.filter(p -> p != Double.MIN_VALUE && p != 1));
    refuseWithoutSampling("min_p", minP.filter(p -> p != 0));
    refuseWithoutSampling("typical_p", typicalP.filter(p -> p != 1));
  }

  private static void refuseWithoutSampling(String field, Optional<? extends Number> value) {
    if (value.isPresent()) {
      throw ApiException.badRequest(
          "do_sample",
          "'do_sample' is false, which is greedy, but '%s' is %s, which only sampling obeys: leave one of them out."
              .formatted(field, value.get()));
    }
  }

  /**
   * Refuses more tokens at least than at most.
   *
   * @throws ApiException if {@code min_tokens} is larger
   */
  void requireRoomForMinTokens(int maxTokens) {
    if (minTokens > maxTokens) {
      throw ApiException.badRequest(
          "min_tokens",
          "'min_tokens' is %d, but 'max_tokens' is %d: change one of them."
              .formatted(minTokens, maxTokens));
    }
  }

  /**
   * The parameters; what the client leaves open, the model's own files decide.
   *
   * @param beams whether they are for beams, which draw nothing unless they are told to
   * @param ownSeed the seed if the client names none
   * @throws ApiException if a token id is not in the vocabulary
   */
  SamplingParameters toParameters(
      SamplingParameters recommended, int vocabularySize, boolean beams, long ownSeed) {
    requireVocabulary("logit_bias", logitBias.tokens(), vocabularySize);
    requireVocabulary("stop_token_ids", stopTokens, vocabularySize);
    return SamplingParameters.builder()
        .temperature(temperature(recommended, beams))
        .topK(topK.orElse(recommended.topK()))
        .topP(topP.orElse(recommended.topP()))
        .minP(minP.orElse(recommended.minP()))
        .typicalP(typicalP.orElse(recommended.typicalP()))
        .seed(seed.orElse(ownSeed))
        .repetitionPenalty(repetitionPenalty.orElse(recommended.repetitionPenalty()))
        .frequencyPenalty(frequencyPenalty.orElse(recommended.frequencyPenalty()))
        .presencePenalty(presencePenalty.orElse(recommended.presencePenalty()))
        .noRepeatNgramSize(noRepeatNgramSize.orElse(recommended.noRepeatNgramSize()))
        .logitBias(logitBias)
        .minTokens(minTokens)
        .ignoreEos(ignoreEos)
        .stopTokens(stopTokens)
        .build();
  }

  private double temperature(SamplingParameters recommended, boolean beams) {
    if (doSample.isEmpty()) {
      return temperature.orElse(beams ? 0 : recommended.temperature());
    }
    if (!doSample.get()) {
      return 0;
    }
    return temperature.orElse(recommended.isGreedy() ? 1 : recommended.temperature());
  }

  private static void requireVocabulary(String field, TokenSet tokens, int size) {
    try {
      tokens.requireVocabulary(field, size);
    } catch (IllegalArgumentException e) {
      throw ApiException.badRequest(field, e.getMessage());
    }
  }
}
