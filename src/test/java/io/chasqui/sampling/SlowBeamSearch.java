package io.chasqui.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Beam search as Hugging Face writes it down: a score for every token of every beam, always {@code
 * num_beams} beams and as many places for hypotheses, and −10⁹ for what must not be chosen.
 */
final class SlowBeamSearch {
  private static final double NEVER = -1e9;

  /** Chooses from the scores of all tokens of all beams, in some order. */
  @FunctionalInterface
  interface Choice {
    int[] of(double[] scores, int count, int step);
  }

  /** A sequence with its score; which an impossible continuation may have made. */
  @SuppressWarnings("ArrayRecordComponent")
  record Slot(int[] output, double score, boolean finished, boolean possible) {}

  private final ToyModel model;
  private final SamplingParameters sampling;
  private final BeamParameters parameters;
  private final int maxTokens;
  private final int[] endOfText;
  private final BeamSearch.StopCondition stop;
  private final Choice choice;
  private final int[] prompt;
  private final int ends;

  /** Whether something impossible was chosen, where the definition leaves open what happens. */
  private boolean choseTheImpossible;

  SlowBeamSearch(
      ToyModel model,
      SamplingParameters sampling,
      BeamParameters parameters,
      int maxTokens,
      int[] endOfText,
      BeamSearch.StopCondition stop,
      Choice choice,
      int... prompt) {
    this.model = model;
    this.sampling = sampling;
    this.parameters = parameters;
    this.maxTokens = maxTokens;
    this.endOfText = endOfText;
    this.stop = stop;
    this.choice = choice;
    this.prompt = prompt;
    var all = IntStream.range(0, sampling.stopTokens().size()).map(sampling.stopTokens()::get);
    var own = sampling.ignoreEos() ? IntStream.empty() : Arrays.stream(endOfText);
    ends = (int) IntStream.concat(all, own).distinct().count();
  }

  boolean choseTheImpossible() {
    return choseTheImpossible;
  }

  /** Those that have finished, the best first; at most {@code n}. */
  Slot[] run() {
    int beams = parameters.numBeams();
    Slot[] running = new Slot[beams];
    Slot[] finished = new Slot[beams];
    for (int i = 0; i < beams; i++) {
      running[i] = new Slot(new int[0], i == 0 ? 0 : NEVER, false, i == 0);
      finished[i] = new Slot(new int[0], NEVER, false, false);
    }
    boolean improvable = true;
    boolean goesOn = true;
    for (int length = 1; goesOn; length++) {
      double[] scores = scores(running);
      int vocabulary = scores.length / beams;
      int count = Math.min(scores.length, Math.max(2, 1 + ends) * beams);
      int[] chosen = choice.of(scores, count, length - 1);
      Slot[] top = new Slot[count];
      boolean[] hits = new boolean[count];
      for (int i = 0; i < count; i++) {
        int beam = chosen[i] / vocabulary;
        int token = chosen[i] % vocabulary;
        int[] output = Arrays.copyOf(running[beam].output, length);
        output[length - 1] = token;
        top[i] = new Slot(output, scores[chosen[i]], false, scores[chosen[i]] > NEVER / 10);
        hits[i] = length == maxTokens || isEnd(token) || stop.endsAfter(beam, token);
      }

      Slot[] before = finished;
      Slot[] candidates = new Slot[beams + count];
      Slot[] next = new Slot[count];
      System.arraycopy(before, 0, candidates, 0, beams);
      boolean full = Arrays.stream(before).allMatch(Slot::finished);
      for (int i = 0; i < count; i++) {
        Slot each = top[i];
        boolean finishes = hits[i] && i < beams;
        double score = each.score / Math.pow(length, parameters.lengthPenalty());
        score += full && parameters.earlyStopping() == EarlyStopping.WHEN_FULL ? NEVER : 0;
        score += improvable ? 0 : NEVER;
        score += finishes ? 0 : NEVER;
        candidates[beams + i] = new Slot(each.output, score, finishes, each.possible);
        next[i] = new Slot(each.output, each.score + (hits[i] ? NEVER : 0), false, each.possible);
      }
      finished = best(candidates, beams);
      running = best(next, beams);

      boolean allHit = IntStream.range(0, count).allMatch(i -> hits[i]);
      boolean never = parameters.earlyStopping() == EarlyStopping.NEVER;
      int longest = never && parameters.lengthPenalty() > 0 ? maxTokens : length;
      double possible = running[0].score / Math.pow(longest, parameters.lengthPenalty());
      full = Arrays.stream(finished).allMatch(Slot::finished);
      double worst = full ? finished[beams - 1].score : NEVER;
      improvable &= possible > worst;
      goesOn =
          improvable && !(full && parameters.earlyStopping() == EarlyStopping.WHEN_FULL) && !allHit;
      choseTheImpossible |=
          Arrays.stream(finished).anyMatch(slot -> slot.finished && !slot.possible)
              || (goesOn && Arrays.stream(running).anyMatch(slot -> slot.score < NEVER / 10));
    }
    choseTheImpossible |= Arrays.stream(finished).noneMatch(Slot::finished);
    return Arrays.stream(finished)
        .filter(Slot::finished)
        .limit(parameters.n())
        .toArray(Slot[]::new);
  }

  /** {@code [beams, vocabulary]}, one row after the other. */
  private double[] scores(Slot[] running) {
    return Arrays.stream(running)
        .flatMapToDouble(slot -> Arrays.stream(row(slot.output)).map(each -> each + slot.score))
        .toArray();
  }

  private double[] row(int[] output) {
    int[] tokens = Arrays.copyOf(prompt, prompt.length + output.length);
    System.arraycopy(output, 0, tokens, prompt.length, output.length);
    float[] logits = model.logits(tokens);
    double[] wide = new double[logits.length];
    Arrays.setAll(wide, i -> logits[i]);
    double[] probabilities = SlowSampler.softmax(wide);
    float[] logprobs = new float[logits.length];
    for (int i = 0; i < logits.length; i++) {
      logprobs[i] = (float) Math.log(probabilities[i]);
    }
    double[] scores = SlowSampler.scores(logprobs, sampling, prompt, output, endOfText);
    if (!sampling.isGreedy()) {
      SlowSampler.warp(scores, sampling, Math.max(2, 1 + ends));
    }
    return scores;
  }

  private boolean isEnd(int token) {
    return sampling.endsWith(token, TokenSet.of(endOfText));
  }

  private static Slot[] best(Slot[] slots, int count) {
    return Arrays.stream(slots)
        .sorted(Comparator.comparingDouble((Slot slot) -> -slot.score))
        .limit(count)
        .toArray(Slot[]::new);
  }
}
