package io.chasqui.sampling;

import java.util.ArrayList;
import java.util.List;

/**
 * Beam search, and with a temperature beam sampling, as Hugging Face defines them ({@code
 * transformers} since 4.50, {@code generation/utils.py}, {@code _beam_search} and what it calls),
 * for one prompt. It knows rows of logits and nothing of the model that they come from.
 *
 * <p>In a step, every beam is given the row of logits of what follows it. A token's score is its
 * log-probability, changed by {@link ScoreChanges}; in beam sampling, divided by the temperature
 * where {@code top_k}, {@code top_p}, {@code min_p} and {@code typical_p} have left it, without
 * another normalisation. A continuation is a beam and a token, and its score the sum of those of
 * the tokens. Of all continuations of all beams, max(2, 1 + the number of tokens that end a text) ×
 * {@code num_beams} are chosen: those of the best score, or in beam sampling so many draws without
 * replacement from the softmax of the scores. Of the first {@code num_beams} of them, those that
 * end become hypotheses; of all, the {@code num_beams} best that do not end are the beams of the
 * next step. The best {@code num_beams} hypotheses are kept.
 *
 * <p>Equal scores are no matter of chance: the beam with the smaller index comes first, then the
 * token with the smaller id; of equal hypotheses, the one that was found first.
 *
 * <p>Where too few continuations are possible, there are fewer beams and may be fewer hypotheses;
 * Hugging Face fills up with impossible ones. Where parameters drop tokens, one that is 2⁴² times
 * less likely than the best of its row is impossible too, as for a {@link Sampler}, unless it is
 * among the best 1 + the number of tokens that end a text, or 2: so many are never dropped.
 *
 * <p>Use: while not {@link #isDone}, {@link #read} a row for each of the {@link #beams}, then
 * {@link #next}, and let the sequence of each new beam go on from that of its {@link #parent} with
 * its {@link #token}. The same seed, prompt, parameters and rows give the same hypotheses. Not
 * thread-safe.
 */
public final class BeamSearch {
  private static final TokenLogprobs NO_TOP = new TokenLogprobs(0, new int[0], new float[0]);

  private final BeamScorer scorer;
  private final SamplingParameters sampling;
  private final BeamParameters parameters;
  private final int maxTokens;
  private final int topLogprobs;

  /** How many continuations are chosen for each beam there may be: enough that do not end. */
  private final int perBeam;

  private final Continuations chosen;
  private final Continuations goOn;
  private final List<Hypothesis> hypotheses = new ArrayList<>();
  private List<Beam> beams;

  /** The most likely tokens of each beam's row, null until it is read. */
  private TokenLogprobs[] rows;

  /** Tokens of the output of every beam. */
  private int length;

  /**
   * Begins a search.
   *
   * @param scorer of the thread that calls
   * @param sampling how to score tokens, and which of them end a sequence; greedy for beam search,
   *     with a temperature for beam sampling
   * @param parameters how to search
   * @param maxTokens a sequence with so many tokens of output is ended
   * @param topLogprobs how many most likely tokens to tell for each token of a hypothesis
   * @param prompt token ids
   * @throws IllegalArgumentException if no token may follow, or the number of most likely tokens is
   *     negative
   */
  public BeamSearch(
      BeamScorer scorer,
      SamplingParameters sampling,
      BeamParameters parameters,
      int maxTokens,
      int topLogprobs,
      int... prompt) {
    if (maxTokens < 1) {
      throw new IllegalArgumentException("max_tokens must be at least 1, but is " + maxTokens);
    }
    if (topLogprobs < 0) {
      throw new IllegalArgumentException(
          "top_logprobs must not be negative, but is " + topLogprobs);
    }
    this.scorer = scorer;
    this.sampling = sampling;
    this.parameters = parameters;
    this.maxTokens = maxTokens;
    this.topLogprobs = topLogprobs;
    perBeam = Math.max(2, 1 + sampling.endCount(scorer.endOfText()));
    chosen = new Continuations(perBeam * parameters.numBeams());
    goOn = new Continuations(parameters.numBeams());
    // The prompt has one row: with a beam for each of equal rows, all beams would be the same.
    begin(List.of(new Beam(0, 0, 0, new TokenHistory(prompt), Output.EMPTY)));
  }

  /**
   * How many sequences go on: 1 at first, the prompt; none when the search is done.
   *
   * @see #history
   */
  public int beams() {
    return beams.size();
  }

  /** The prompt and the output of a beam, until the next step; only this search appends to it. */
  public TokenHistory history(int beam) {
    return beams.get(beam).history();
  }

  /** The index of the beam of the step before that a beam continues; 0 before the first step. */
  public int parent(int beam) {
    return beams.get(beam).parent();
  }

  /**
   * The token that a beam appended to that of the step before.
   *
   * @throws IllegalStateException before the first step
   */
  public int token(int beam) {
    if (length == 0) {
      throw new IllegalStateException("no token is chosen before the first step");
    }
    return beams.get(beam).output().lastToken();
  }

  /** Whether the hypotheses are final. */
  public boolean isDone() {
    return beams.isEmpty();
  }

  /**
   * Takes the row of a beam for the step at hand. The beams' rows may come in any order, each once.
   *
   * @param logits {@code [vocabulary]}, what may follow the beam, none of them positive infinity;
   *     left as it is, and not kept
   * @throws IllegalArgumentException if the row has another length than the vocabulary
   * @throws IllegalStateException if the beam's row was read before
   */
  public void read(int beam, float[] logits) {
    if (rows[beam] != null) {
      throw new IllegalStateException("the row of beam " + beam + " was read before");
    }
    scorer.offer(logits, sampling, beams.get(beam), perBeam, chosen);
    rows[beam] = topLogprobs == 0 ? NO_TOP : TokenLogprobs.of(logits, 0, topLogprobs);
  }

  /**
   * Ends a step in which nothing but tokens ends a sequence.
   *
   * @throws IllegalStateException if the row of a beam was not read
   */
  public void next() {
    next((beam, token) -> false);
  }

  /**
   * Ends a step: chooses which beams go on, or ends the search.
   *
   * @param stop what ends a sequence besides the tokens that end a text
   * @throws IllegalStateException if the row of a beam was not read, or the search is done
   */
  public void next(StopCondition stop) {
    requireRows();
    length++;
    goOn.clear();
    for (int i = 0; i < chosen.size(); i++) {
      Continuation each = chosen.get(i);
      boolean ended =
          sampling.endsWith(each.token(), scorer.endOfText())
              || stop.endsAfter(each.beam(), each.token());
      if (!ended && length < maxTokens) {
        goOn.offer(withoutNoise(each));
      } else if (i < parameters.numBeams()) {
        keep(outputOf(each), ended, each.score());
      }
    }
    if (goOn.size() == 0 && hypotheses.isEmpty()) {
      // A dead end: better what there is than nothing.
      beams.forEach(beam -> keep(beam.output(), false, beam.score()));
    }
    begin(goOn.size() == 0 || isSettled() ? List.of() : successors());
  }

  /**
   * What the search has found, the best first: {@code n}, or fewer if no more are possible, but at
   * least one.
   *
   * @throws IllegalStateException if the search is not done
   */
  public List<Hypothesis> hypotheses() {
    if (!isDone()) {
      throw new IllegalStateException("the search is not done");
    }
    return List.copyOf(hypotheses.subList(0, Math.min(parameters.n(), hypotheses.size())));
  }

  /** What ends a sequence besides a token of its own, such as a stop sequence in its text. */
  @FunctionalInterface
  public interface StopCondition {
    /** Whether a beam ends with a token that follows it. */
    boolean endsAfter(int beam, int token);
  }

  private void requireRows() {
    if (isDone()) {
      throw new IllegalStateException("the search is done");
    }
    for (int beam = 0; beam < rows.length; beam++) {
      if (rows[beam] == null) {
        throw new IllegalStateException("the row of beam " + beam + " was not read");
      }
    }
  }

  private void begin(List<Beam> next) {
    beams = next;
    rows = new TokenLogprobs[next.size()];
    chosen.clear();
  }

  /** The best score goes on, whichever was drawn first. */
  private static Continuation withoutNoise(Continuation drawn) {
    return new Continuation(
        drawn.score(), drawn.score(), drawn.beam(), drawn.token(), drawn.logprob());
  }

  private Output outputOf(Continuation continuation) {
    TokenLogprobs row = rows[continuation.beam()];
    return beams
        .get(continuation.beam())
        .output()
        .followedBy(
            continuation.token(),
            new TokenLogprobs(continuation.logprob(), row.topIds(), row.topLogprobs()));
  }

  private void keep(Output output, boolean ended, double sum) {
    double score = normalized(sum, Math.max(1, output.length()));
    int place = hypotheses.size();
    while (place > 0 && hypotheses.get(place - 1).score() < score) {
      place--;
    }
    if (place < parameters.numBeams()) {
      hypotheses.add(place, new Hypothesis(output.tokens(), ended, score, output.logprobs()));
    }
    if (hypotheses.size() > parameters.numBeams()) {
      hypotheses.removeLast();
    }
  }

  /** Whether no beam can, or need, give a better hypothesis. */
  private boolean isSettled() {
    if (hypotheses.size() < parameters.numBeams()) {
      return false;
    }
    return switch (parameters.earlyStopping()) {
      case WHEN_FULL -> true;
      case HEURISTIC -> !mayImprove(length);
      case NEVER -> !mayImprove(parameters.lengthPenalty() > 0 ? maxTokens : length);
    };
  }

  /** Whether the best beam would be a better hypothesis with so many tokens and its score. */
  private boolean mayImprove(int tokens) {
    return normalized(goOn.get(0).score(), tokens) > hypotheses.getLast().score();
  }

  private double normalized(double sum, int tokens) {
    return sum / StrictMath.pow(tokens, parameters.lengthPenalty());
  }

  private List<Beam> successors() {
    var next = new ArrayList<Beam>();
    boolean[] continued = new boolean[beams.size()];
    for (int i = 0; i < goOn.size(); i++) {
      Continuation each = goOn.get(i);
      TokenHistory history = history(each.beam());
      // Its first successor takes a beam's history over, the others a copy of it.
      next.add(
          new Beam(
              i,
              each.beam(),
              each.score(),
              continued[each.beam()] ? history.copy() : history,
              outputOf(each)));
      continued[each.beam()] = true;
    }
    next.forEach(beam -> beam.history().append(beam.output().lastToken()));
    return next;
  }
}
