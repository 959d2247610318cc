package io.chasqui.sampling;

/**
 * What changes the scores of some tokens before a temperature is applied, in this order: {@code
 * repetition_penalty}, {@code no_repeat_ngram_size} and {@code min_tokens} as Hugging Face's {@code
 * RepetitionPenaltyLogitsProcessor}, {@code NoRepeatNGramLogitsProcessor} and {@code
 * MinNewTokensLengthLogitsProcessor}, in its order ({@code transformers}, {@code
 * generation/logits_process.py}); then, where it puts processors of its caller's own, what OpenAI
 * defines: {@code logit_bias}, {@code frequency_penalty}, {@code presence_penalty}.
 */
final class ScoreChanges {
  private ScoreChanges() {}

  /** Whether {@link #apply} would change anything. */
  static boolean any(SamplingParameters parameters, int index) {
    return parameters.repetitionPenalty() != 1
        || parameters.noRepeatNgramSize() > 0
        || index < parameters.minTokens()
        || parameters.logitBias().tokens().size() > 0
        || parameters.frequencyPenalty() != 0
        || parameters.presencePenalty() != 0;
  }

  /**
   * Changes scores in place.
   *
   * @param scores {@code [vocabulary]}
   * @param index the index of the token in the output, from 0
   * @param endOfText the model's own
   */
  static void apply(
      float[] scores,
      SamplingParameters parameters,
      TokenHistory history,
      int index,
      TokenSet endOfText) {
    if (parameters.repetitionPenalty() != 1) {
      penalizeRepetition(scores, history, (float) parameters.repetitionPenalty());
    }
    if (parameters.noRepeatNgramSize() > 0) {
      forbidRepeatedNgrams(scores, history, parameters.noRepeatNgramSize());
    }
    if (index < parameters.minTokens()) {
      forbid(scores, endOfText);
      forbid(scores, parameters.stopTokens());
    }
    parameters.logitBias().addTo(scores);
    if (parameters.frequencyPenalty() != 0 || parameters.presencePenalty() != 0) {
      penalizeOutput(
          scores,
          history,
          (float) parameters.frequencyPenalty(),
          (float) parameters.presencePenalty());
    }
  }

  private static void penalizeRepetition(float[] scores, TokenHistory history, float penalty) {
    int count = history.distinctTokens();
    for (int i = 0; i < count; i++) {
      int token = history.distinct(i);
      float score = scores[token];
      scores[token] = score < 0 ? score * penalty : score / penalty;
    }
  }

  /** What followed the last n − 1 tokens where they stood before must not follow them now. */
  private static void forbidRepeatedNgrams(float[] scores, TokenHistory history, int n) {
    for (int i = n - 1; i < history.length(); i++) {
      if (history.endsLike(i, n - 1)) {
        scores[history.get(i)] = Float.NEGATIVE_INFINITY;
      }
    }
  }

  private static void forbid(float[] scores, TokenSet tokens) {
    for (int i = 0; i < tokens.size(); i++) {
      scores[tokens.get(i)] = Float.NEGATIVE_INFINITY;
    }
  }

  private static void penalizeOutput(
      float[] scores, TokenHistory history, float frequency, float presence) {
    int count = history.distinctTokens();
    for (int i = 0; i < count; i++) {
      int times = history.outputCount(i);
      if (times > 0) {
        scores[history.distinct(i)] -= frequency * times;
        scores[history.distinct(i)] -= presence;
      }
    }
  }
}
