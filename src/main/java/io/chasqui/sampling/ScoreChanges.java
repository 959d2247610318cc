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

  /**
   * What followed the last n − 1 tokens where they stood before must not follow them now. They are
   * found as Knuth, Morris and Pratt do ("Fast pattern matching in strings", 1977), so that a text
   * that repeats itself takes no longer than another.
   */
  private static void forbidRepeatedNgrams(float[] scores, TokenHistory history, int n) {
    int length = history.length();
    if (length < n) {
      return;
    }
    int last = n - 1;
    int begin = length - last;
    // Of each beginning of the last tokens, the longest shorter one that it ends with.
    int[] borders = new int[n];
    for (int i = 1, border = 0; i < last; i++) {
      border = extended(border, history, begin, history.get(begin + i), borders);
      borders[i + 1] = border;
    }
    for (int i = 0, same = 0; i < length; i++) {
      int token = history.get(i);
      if (same == last) {
        scores[token] = Float.NEGATIVE_INFINITY;
        same = borders[last];
      }
      if (last > 0) {
        same = extended(same, history, begin, token, borders);
      }
    }
  }

  /** How many tokens from {@code begin} on a text ends with after one more token. */
  private static int extended(int same, TokenHistory history, int begin, int token, int[] borders) {
    int longest = same;
    while (longest > 0 && history.get(begin + longest) != token) {
      longest = borders[longest];
    }
    return history.get(begin + longest) == token ? longest + 1 : 0;
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
