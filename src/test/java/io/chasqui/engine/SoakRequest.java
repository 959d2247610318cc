package io.chasqui.engine;

import io.chasqui.UnseenText;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.EarlyStopping;
import io.chasqui.sampling.LogitBias;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * What one of the requests of a {@link Soak} asks for, without what must not matter: with whom it
 * runs, what it shares, and how much is guessed.
 *
 * @param best how many answers are given; as many as are computed, unless it asks for the best
 * @param computed how many answers are computed
 * @param asks sets all but the prompt and the number of answers
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record SoakRequest(int[] prompt, int best, int computed, Consumer<GenerationRequest.Builder> asks) {
  /** The smallest budget that an engine takes has so many positions. */
  static final int CONTEXT = 512;

  private static final int LONGEST_PROMPT = 480;

  GenerationRequest.Builder builder() {
    return builder(best);
  }

  /** The same with all answers that are computed. */
  GenerationRequest all() {
    return builder(computed).build();
  }

  private GenerationRequest.Builder builder(int choices) {
    GenerationRequest.Builder builder = GenerationRequest.forPrompt(prompt).choices(choices);
    if (computed > choices) {
      builder.bestOf(computed);
    }
    asks.accept(builder);
    return builder;
  }

  boolean isRanked() {
    return computed > best;
  }

  /** Draws one; many begin alike. */
  static SoakRequest random(SplittableRandom random, List<UnseenText> texts, Tokenizer tokenizer) {
    int[] text = text(random, texts);
    // Some fill blocks of 16 to the last position, some have but one token.
    int length = 1 + random.nextInt(random.nextInt(8) == 0 ? 2 : LONGEST_PROMPT);
    int[] prompt = Arrays.copyOf(text, random.nextInt(4) == 0 ? Math.max(1, length & -16) : length);
    String piece = tokenizer.decode(Arrays.copyOfRange(text, 200, 202), true).strip();
    List<String> stop =
        random.nextInt(3) == 0 && !piece.isEmpty() ? List.of(piece, ". The") : List.of();
    boolean isLong = random.nextInt(6) == 0;
    SamplingParameters sampling = sampling(random, isLong);
    int maxTokens = isLong ? 180 : 1 + random.nextInt(40);
    int logprobs = random.nextInt(4) == 0 ? random.nextInt(4) : -1;
    if (!isLong && random.nextInt(4) == 0) {
      return beams(random, prompt, maxTokens, sampling, stop, logprobs);
    }
    int choices = random.nextInt(3) == 0 ? 2 + random.nextInt(3) : 1;
    int best = random.nextInt(2) == 0 ? 1 + random.nextInt(choices) : choices;
    boolean scoresPrompt = random.nextInt(6) == 0;
    return new SoakRequest(
        prompt,
        best,
        choices,
        builder -> {
          builder.sampling(sampling).maxTokens(maxTokens).stop(stop);
          if (logprobs >= 0) {
            builder.logprobs(logprobs);
          }
          if (scoresPrompt) {
            builder.promptLogprobs();
          }
        });
  }

  /** Begins as one of few others, as far as a random place; goes on at random. */
  private static int[] text(SplittableRandom random, List<UnseenText> texts) {
    int[] text = new int[LONGEST_PROMPT];
    int shared = random.nextInt(LONGEST_PROMPT);
    fill(text, 0, shared, texts, random.nextInt(4));
    fill(text, shared, LONGEST_PROMPT, texts, random.nextInt(texts.size()));
    return text;
  }

  /** Documents, one after another. */
  private static void fill(int[] text, int from, int to, List<UnseenText> texts, int document) {
    for (int at = from; at < to; document++) {
      int[] ids = texts.get(document % texts.size()).ids();
      int count = Math.min(ids.length, to - at);
      System.arraycopy(ids, 0, text, at, count);
      at += count;
    }
  }

  private static SamplingParameters sampling(SplittableRandom random, boolean isLong) {
    var sampling = SamplingParameters.builder().ignoreEos(isLong).seed(random.nextLong());
    if (random.nextInt(3) > 0) {
      sampling
          .temperature(0.2 + random.nextDouble())
          .topK(random.nextInt(2) * 40)
          .topP(1 - random.nextInt(2) * 0.1)
          .minP(random.nextInt(2) * 0.01);
    }
    if (random.nextInt(3) == 0) {
      sampling
          .repetitionPenalty(1 + random.nextDouble() / 4)
          .frequencyPenalty(random.nextDouble() / 2)
          .presencePenalty(random.nextDouble() / 2)
          .noRepeatNgramSize(random.nextInt(2) * 3);
    }
    if (random.nextInt(4) == 0) {
      sampling.logitBias(LogitBias.of(Map.of(300 + random.nextInt(500), 3.0, 280, -100.0)));
    }
    return sampling.minTokens(random.nextInt(2)).build();
  }

  /** As many tokens as a search with the smallest budget may have, or fewer. */
  private static SoakRequest beams(
      SplittableRandom random,
      int[] prompt,
      int maxTokens,
      SamplingParameters sampling,
      List<String> stop,
      int logprobs) {
    int beams = 2 + random.nextInt(3);
    int n = 1 + random.nextInt(beams);
    EarlyStopping[] ends = EarlyStopping.values();
    var parameters =
        new BeamParameters(beams, n, random.nextInt(2), ends[random.nextInt(ends.length)]);
    int[] begin = Arrays.copyOf(prompt, Math.min(prompt.length, 240));
    int most = (CONTEXT - begin.length) / beams - 2 * 16;
    return new SoakRequest(
        begin,
        1,
        1,
        builder -> {
          builder
              .sampling(sampling)
              .maxTokens(Math.min(maxTokens, most))
              .stop(stop)
              .beams(parameters);
          if (logprobs >= 0) {
            builder.logprobs(logprobs);
          }
        });
  }
}
