package io.chasqui.engine;

import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.sampling.TokenLogprobs;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Flow;
import java.util.function.IntConsumer;

/**
 * A subscriber that notes every event to the bit, as text, and what breaks the rules of a stream.
 */
final class SoakReader implements Flow.Subscriber<GenerationEvent> {
  private final TreeMap<Integer, List<Heard>> choices = new TreeMap<>();
  private final List<String> prompt = new ArrayList<>();
  private final List<String> mistakes = new ArrayList<>();
  private final long demand;
  private final IntConsumer onToken;
  private final Runnable onEnd;
  private volatile Flow.Subscription subscription;
  private Finished finished;
  private boolean complete;
  private int tokens;

  /**
   * @param demand what is asked for at once
   * @param onToken given the number of tokens that came before; called on the thread that delivers
   * @param onEnd called once, when the stream is complete
   */
  SoakReader(long demand, IntConsumer onToken, Runnable onEnd) {
    this.demand = demand;
    this.onToken = onToken;
    this.onEnd = onEnd;
  }

  /** A token; {@code logprobs} as text, in which two that differ in a bit differ. */
  record Heard(int id, String text, String logprobs, Optional<FinishReason> end) {
    /**
     * Whether a choice that ended whole can have had this token in this place.
     *
     * <p>At a deadline the last token brings what was held back for a stop sequence.
     */
    boolean mayBe(Heard ofWhole) {
      return end.equals(Optional.of(FinishReason.DEADLINE))
          ? id == ofWhole.id && text.startsWith(ofWhole.text) && logprobs.equals(ofWhole.logprobs)
          : equals(ofWhole);
    }
  }

  /** Null before {@link #onSubscribe}. */
  Flow.Subscription subscription() {
    return subscription;
  }

  /** The tokens of each choice. */
  synchronized List<List<Heard>> choices() {
    return choices.values().stream().map(List::copyOf).toList();
  }

  /** What was told of the prompt; empty if nothing was. */
  synchronized List<String> prompt() {
    return List.copyOf(prompt);
  }

  /** The end; empty for a reader who left before it came. */
  synchronized Optional<Finished> finished() {
    return Optional.ofNullable(finished);
  }

  synchronized boolean isComplete() {
    return complete;
  }

  synchronized List<String> mistakes() {
    return List.copyOf(mistakes);
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    if (demand > 0) {
      given.request(demand);
    }
  }

  @Override
  public void onNext(GenerationEvent event) {
    int before;
    synchronized (this) {
      require(finished == null && !complete, "comes after the end", event);
      before = tokens;
      switch (event) {
        case Prompt of -> {
          require(tokens == 0 && prompt.isEmpty(), "is no beginning", event);
          of.logprobs().forEach(each -> prompt.add(describe(each)));
        }
        case Token token -> add(token);
        case Finished end -> finished = end;
      }
    }
    if (event instanceof Token) {
      onToken.accept(before);
    }
  }

  private void add(Token token) {
    List<Heard> choice = choices.computeIfAbsent(token.choice(), i -> new ArrayList<>());
    require(token.index() == choice.size(), "is not next of its choice", token);
    require(
        choice.isEmpty() || choice.getLast().end().isEmpty(),
        "comes after the end of its choice",
        token);
    choice.add(new Heard(token.id(), token.text(), describe(token.logprobs()), token.end()));
    tokens++;
  }

  private void require(boolean rule, String otherwise, GenerationEvent event) {
    if (!rule) {
      mistakes.add(event + " " + otherwise);
    }
  }

  private static String describe(Optional<TokenLogprobs> logprobs) {
    return logprobs
        .map(of ->
            "%s %s %s"
                .formatted(
                    of.chosen(), Arrays.toString(of.topIds()), Arrays.toString(of.topLogprobs())))
        .orElse("-");
  }

  @Override
  public void onError(Throwable cause) {
    synchronized (this) {
      mistakes.add("a stream failed: " + cause);
    }
    onEnd.run();
  }

  @Override
  public void onComplete() {
    synchronized (this) {
      if (finished == null || complete) {
        mistakes.add("a stream was completed without an end, or twice");
      }
      complete = true;
    }
    onEnd.run();
  }
}
