package io.chasqui.engine;

import io.chasqui.engine.Chooser.Chosen;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.TokenDecoder.Run;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenHistory;
import io.chasqui.sampling.TokenLogprobs;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** The course of one text that goes on from the prompt. */
final class Choice extends Course {
  private final GenerationRequest request;
  private final Answer.Shared shared;
  private final SamplingParameters sampling;
  private final AnswerText answerText;

  /** The tokens of the prompt, and of the answer so far. */
  private final TokenHistory history;

  /** Null where no tokens are guessed. */
  private final PromptLookup lookup;

  /** Of the prompt's tokens, where they are wanted. */
  private final List<Optional<TokenLogprobs>> promptLogprobs = new ArrayList<>();

  /** Null while this waits, or has given its memory to another. */
  private TokenDecoder.Sequence sequence;

  /** What the step at hand computes. */
  private Run run;

  /** Whether the step at hand computes what the next token is chosen from. */
  private boolean completes;

  /** From the first row of the step at hand that a token is to be chosen from; null before. */
  private Chosen chosen;

  private int produced;
  private long last;

  Choice(Answer answer, int choice) {
    super(answer, choice);
    request = answer.request;
    shared = answer.shared;
    sampling = request.sampling().ofChoice(choice);
    answerText = new AnswerText(shared.tokenizer, request.stops());
    history = new TokenHistory(request.prompt());
    lookup = answer.speculates() ? new PromptLookup() : null;
  }

  @Override
  int width() {
    return 1;
  }

  @Override
  void start(TokenDecoder decoder) {
    sequence =
        wantsPromptLogprobs()
            ? decoder.newSequence()
            : forkOfSibling().orElseGet(() -> newSequence(decoder, history));
  }

  /** The prompt from a choice that has computed it, for one that has produced nothing yet. */
  private Optional<TokenDecoder.Sequence> forkOfSibling() {
    return produced > 0
        ? Optional.empty()
        : answer.courses().stream()
            .map(course -> ((Choice) course).sequence)
            .filter(each -> each != null && each.length() >= request.promptLength())
            .findFirst()
            .map(each -> {
              TokenDecoder.Sequence fork = each.fork();
              // The last token is computed again, for its row of logits.
              fork.truncate(Math.min(fork.length(), request.promptLength() - 1));
              return fork;
            });
  }

  @Override
  void giveMemoryBack() {
    if (sequence != null) {
      sequence.close();
      sequence = null;
    }
    if (produced == 0) {
      promptLogprobs.clear();
    }
  }

  @Override
  boolean hasMemory() {
    return sequence != null && sequence.length() > 0;
  }

  @Override
  int pending() {
    return history.length() - (sequence == null ? 0 : sequence.length());
  }

  /** Whether the distribution after each token of the prompt is needed, and not known yet. */
  private boolean wantsPromptLogprobs() {
    return request.promptLogprobs() && choice == 0 && produced == 0;
  }

  @Override
  boolean plan(int mostTokens, int mostOutputs) {
    int pending = pending();
    int[] next;
    int outputs;
    if (pending == 1 && lookup != null && produced > 0) {
      int most = Math.min(Math.min(mostTokens, mostOutputs), answer.room());
      next = lookup.step(Math.min(most, answer.maxTokens - produced));
      if (next.length > 1 && !sequence.reserve(next.length)) {
        next = new int[] {next[0]}; // the draft is no reason to take another's memory
      }
      outputs = next.length;
      completes = true;
    } else {
      int count = Math.min(pending, mostTokens);
      if (wantsPromptLogprobs()) {
        count = Math.min(count, mostOutputs);
      }
      next = history.range(sequence.length(), sequence.length() + count);
      completes = count == pending;
      outputs = wantsPromptLogprobs() ? count : completes ? 1 : 0;
    }
    if (!sequence.reserve(next.length)) {
      return false;
    }
    run = new Run(sequence, next, outputs);
    return true;
  }

  @Override
  List<Run> runs() {
    return List.of(run);
  }

  @Override
  List<Choice> siblings() {
    if (choice != 0 || produced > 0 || !completes) {
      return List.of();
    }
    List<Choice> siblings = new ArrayList<>();
    for (int other = 1; other < request.computedChoices(); other++) {
      var sibling = new Choice(answer, other);
      answer.add(sibling);
      siblings.add(sibling);
    }
    return siblings;
  }

  /** Goes on from the prompt that the step at hand has computed for another choice. */
  void follow(Choice other) {
    sequence = other.sequence.fork();
    run = other.run;
    completes = true;
  }

  @Override
  void choose(TokenDecoder decoder, int row, int member) {
    if (completes && answer.maxTokens > 0) {
      chosen = chosenFrom(decoder, row + run.outputs() - verified(), member);
    }
  }

  /** Rows of the step at hand from which tokens may be chosen: no draft follows a prompt. */
  private int verified() {
    return produced == 0 ? 1 : run.outputs();
  }

  private Chosen chosenFrom(TokenDecoder decoder, int row, int member) {
    Chooser chooser = shared.chooser(member);
    chooser.read(decoder, row);
    boolean isRanked = request.computedChoices() > request.choices();
    return chooser.choose(
        sampling, history, produced, isRanked ? OptionalInt.of(topLogprobs()) : request.logprobs());
  }

  /**
   * {@inheritDoc}
   *
   * <p>A token is chosen as it would be without a draft: from the same logits, and with the random
   * number of its place in the answer.
   */
  @Override
  FinishReason advance(TokenDecoder decoder, int row) {
    if (wantsPromptLogprobs()) {
      readPrompt(decoder, row);
    }
    if (!completes) {
      return null;
    }
    if (answer.maxTokens == 0) {
      return FinishReason.LENGTH;
    }
    if (lookup != null && produced == 0) {
      lookup.append(request.prompt());
    }
    int[] step = run.tokens();
    int verified = verified();
    int firstRow = row + run.outputs() - verified;
    FinishReason reason = take(chosen);
    int taken = 1;
    boolean guessed = taken < verified && step[taken] == chosen.token();
    while (guessed && reason == null) {
      Chosen next = chosenFrom(decoder, firstRow + taken, 0);
      reason = take(next);
      taken++;
      guessed = taken < verified && step[taken] == next.token();
    }
    if (verified > 1) {
      int right = guessed ? taken : taken - 1;
      lookup.verified(verified - 1, right);
      answer.verified(verified - 1, right);
    }
    sequence.truncate(Math.min(sequence.length(), history.length() - 1));
    return reason;
  }

  /** Reads what the step has computed of the prompt's probabilities, and publishes all of them. */
  private void readPrompt(TokenDecoder decoder, int row) {
    if (promptLogprobs.isEmpty()) {
      promptLogprobs.add(Optional.empty()); // nothing comes before the first token
    }
    for (int i = 0; i < run.outputs() && promptLogprobs.size() < request.promptLength(); i++) {
      float[] logits = shared.chooser(0).read(decoder, row + i);
      int token = history.get(promptLogprobs.size());
      promptLogprobs.add(Optional.of(TokenLogprobs.of(logits, token, topLogprobs())));
    }
    if (completes) {
      answer.publishPrompt(promptLogprobs);
    }
  }

  private int topLogprobs() {
    return request.logprobs().orElse(0);
  }

  /** Goes on with a token, publishes it and returns why the choice ends. */
  private FinishReason take(Chosen next) {
    last = answer.measure(last);
    history.append(next.token());
    if (lookup != null) {
      lookup.append(next.token());
    }
    return publish(next.token(), next.logprobs());
  }

  private FinishReason publish(int token, Optional<TokenLogprobs> logprobs) {
    FinishReason reason = null;
    String text;
    if (sampling.endsWith(token, shared.endOfText)) {
      text = "";
      reason = FinishReason.STOP;
    } else {
      text = answerText.append(token);
      if (answerText.isStopped()) {
        reason = FinishReason.STOP;
      } else if (produced + 1 == answer.maxTokens) {
        reason = FinishReason.LENGTH;
      } else if (answer.isOverdue()) {
        reason = FinishReason.DEADLINE;
      }
    }
    if (reason != null) {
      // The last token takes along what was held back.
      text += answerText.flush();
    }
    if (answer.channel.isCancelled()) {
      return FinishReason.CANCELLED;
    }
    answer.publish(
        new Token(
            choice,
            produced,
            token,
            text,
            request.logprobs().isPresent() ? logprobs : Optional.empty(),
            Optional.ofNullable(reason)),
        logprobs.map(TokenLogprobs::chosen).orElse(0f));
    produced++;
    return reason == null && answer.channel.isCancelled() ? FinishReason.CANCELLED : reason;
  }
}
