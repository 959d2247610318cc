package io.chasqui.engine;

import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.TokenDecoder.Run;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.BeamSearch;
import io.chasqui.sampling.Hypothesis;
import io.chasqui.sampling.TokenHistory;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The course of all beams of an answer, which go on together. They share the memory of what they
 * have in common. What they have found is known, and published, when the search is done.
 */
final class Beams extends Course {
  private final GenerationRequest request;
  private final Answer.Shared shared;
  private final BeamParameters parameters;
  private final BeamSearch search;

  /** The sequence of each beam; null where it has no memory. */
  private TokenDecoder.Sequence[] sequences = new TokenDecoder.Sequence[1];

  /** The text of each beam, where stop sequences may end it; else empty. */
  private AnswerText[] texts;

  private TokenDecoder decoder;

  /** What the step at hand computes. */
  private List<Run> runs = List.of();

  /** Whether the step at hand computes what the beams' next tokens are chosen from. */
  private boolean completes;

  private long last;

  Beams(Answer answer, BeamParameters parameters) {
    super(answer, 0);
    request = answer.request;
    shared = answer.shared;
    this.parameters = parameters;
    search =
        new BeamSearch(
            shared.beamScorer,
            request.sampling(),
            parameters,
            answer.maxTokens,
            request.logprobs().orElse(0),
            request.prompt());
    texts = request.stop().isEmpty() ? new AnswerText[0] : new AnswerText[] {newText()};
  }

  private AnswerText newText() {
    return new AnswerText(shared.tokenizer, request.stops());
  }

  @Override
  int width() {
    return parameters.numBeams();
  }

  @Override
  void start(TokenDecoder decoder) {
    this.decoder = decoder;
  }

  @Override
  void giveMemoryBack() {
    for (int beam = 0; beam < sequences.length; beam++) {
      if (sequences[beam] != null) {
        sequences[beam].close();
        sequences[beam] = null;
      }
    }
  }

  @Override
  boolean hasMemory() {
    return sequences.length > 0 && sequences[0] != null && sequences[0].length() > 0;
  }

  @Override
  int pending() {
    int most = 0;
    for (int beam = 0; beam < sequences.length; beam++) {
      most = Math.max(most, pending(beam));
    }
    return most;
  }

  private int pending(int beam) {
    int computed = sequences[beam] == null ? 0 : sequences[beam].length();
    return search.history(beam).length() - computed;
  }

  @Override
  boolean plan(int mostTokens, int mostOutputs) {
    runs = new ArrayList<>();
    for (int beam = 0; beam < sequences.length; beam++) {
      if (sequences[beam] == null || pending(beam) > 1) {
        return planPrompt(beam, mostTokens);
      }
    }
    completes = true;
    for (int beam = 0; beam < sequences.length; beam++) {
      if (!plan(beam, 1, 1)) {
        return false;
      }
    }
    return true;
  }

  /**
   * The prompt, or after {@link #giveMemoryBack} what one beam had until then: one after another,
   * so that each shares what it has in common with those before it. The last token of several beams
   * is left for the step that they share.
   */
  private boolean planPrompt(int beam, int mostTokens) {
    if (sequences[beam] == null) {
      sequences[beam] = beam == 0 ? newSequence(decoder, search.history(0)) : branch(beam);
    }
    int pending = pending(beam);
    completes = sequences.length == 1 && pending <= mostTokens;
    int left = sequences.length == 1 ? pending : pending - 1;
    return left == 0
        ? plan(mostTokens, sequences.length)
        : plan(beam, Math.min(left, mostTokens), completes ? 1 : 0);
  }

  /**
   * A sequence that goes on from where a beam differs from those before it. What they have in
   * common must not be stored twice, in the prefix cache or out of it: the search was admitted for
   * less memory.
   */
  private TokenDecoder.Sequence branch(int beam) {
    int closest = 0;
    int common = 0;
    for (int other = 0; other < beam; other++) {
      int length = commonLength(beam, other);
      if (length > common) {
        closest = other;
        common = length;
      }
    }
    TokenDecoder.Sequence branch = sequences[closest].fork();
    branch.truncate(Math.min(common, branch.length()));
    return branch;
  }

  /** How many tokens two beams have in common from the beginning, the prompt's included. */
  private int commonLength(int beam, int other) {
    TokenHistory history = search.history(beam);
    int length = request.promptLength();
    while (length < history.length() && history.get(length) == search.history(other).get(length)) {
      length++;
    }
    return length;
  }

  private boolean plan(int beam, int count, int outputs) {
    TokenDecoder.Sequence sequence = sequences[beam];
    if (!sequence.reserve(count)) {
      return false;
    }
    int from = sequence.length();
    int[] tokens = search.history(beam).range(from, from + count);
    runs.add(new Run(sequence, tokens, outputs));
    return true;
  }

  @Override
  List<Run> runs() {
    return runs;
  }

  @Override
  FinishReason advance(TokenDecoder decoder, int row) {
    if (answer.channel.isCancelled()) {
      return FinishReason.CANCELLED;
    }
    if (!completes) {
      return null;
    }
    for (int beam = 0; beam < sequences.length; beam++) {
      search.read(beam, shared.chooser(0).read(decoder, row + beam));
    }
    search.next(this::isStopped);
    answer.searched(parameters.numBeams());
    last = answer.measure(last);
    if (search.isDone()) {
      return publish();
    }
    followParents();
    return null;
  }

  /** Whether the text of a beam has a stop sequence with a further token. */
  private boolean isStopped(int beam, int token) {
    return texts.length > 0 && follow(beam, token).isStopped();
  }

  private AnswerText follow(int beam, int token) {
    AnswerText text = texts[beam].copy();
    text.append(token);
    return text;
  }

  /** The first beam that goes on from another takes its sequence over, others share its memory. */
  private void followParents() {
    var next = new TokenDecoder.Sequence[search.beams()];
    var taken = new boolean[sequences.length];
    for (int beam = 0; beam < next.length; beam++) {
      int parent = search.parent(beam);
      next[beam] = taken[parent] ? sequences[parent].fork() : sequences[parent];
      taken[parent] = true;
    }
    for (int beam = 0; beam < sequences.length; beam++) {
      if (!taken[beam]) {
        sequences[beam].close();
      }
    }
    sequences = next;
    if (texts.length > 0) {
      texts =
          IntStream.range(0, next.length)
              .mapToObj(beam -> follow(search.parent(beam), search.token(beam)))
              .toArray(AnswerText[]::new);
    }
  }

  private FinishReason publish() {
    List<Token> tokens = new ArrayList<>();
    FinishReason reason = FinishReason.STOP;
    int choices = 0;
    for (Hypothesis hypothesis : search.hypotheses()) {
      reason = hypothesis.ended() ? FinishReason.STOP : FinishReason.LENGTH;
      addTokens(hypothesis, choices++, reason, tokens);
    }
    answer.found(tokens);
    return reason;
  }

  private void addTokens(Hypothesis hypothesis, int choice, FinishReason reason, List<Token> to) {
    AnswerText text = newText();
    int[] ids = hypothesis.tokens();
    for (int i = 0; i < ids.length; i++) {
      boolean isLast = i == ids.length - 1;
      boolean isEnd = isLast && request.sampling().endsWith(ids[i], shared.endOfText);
      String piece = isEnd ? "" : text.append(ids[i]);
      to.add(
          new Token(
              choice,
              i,
              ids[i],
              isLast ? piece + text.flush() : piece,
              request.logprobs().isPresent()
                  ? Optional.of(hypothesis.logprobs().get(i))
                  : Optional.empty(),
              isLast ? Optional.of(reason) : Optional.empty()));
    }
  }
}
