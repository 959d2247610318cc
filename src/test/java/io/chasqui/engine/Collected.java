package io.chasqui.engine;

import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/** A subscriber that keeps what it gets. */
final class Collected implements Flow.Subscriber<GenerationEvent> {
  private final List<Token> tokens = Collections.synchronizedList(new ArrayList<>());
  private final CompletableFuture<Prompt> prompt = new CompletableFuture<>();
  private final CompletableFuture<Finished> finished = new CompletableFuture<>();
  private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();
  private final long demand;
  private final Consumer<Token> onToken;

  private Collected(long demand, Consumer<Token> onToken) {
    this.demand = demand;
    this.onToken = onToken;
  }

  /** Asks for everything at once. */
  static Collected from(Generation generation) {
    return from(generation, Long.MAX_VALUE, token -> {});
  }

  /**
   * @param onToken called on the thread that delivers
   */
  static Collected from(Generation generation, long demand, Consumer<Token> onToken) {
    var collected = new Collected(demand, onToken);
    generation.subscribe(collected);
    return collected;
  }

  /** Waits for the end. */
  Finished finished() throws InterruptedException, ExecutionException, TimeoutException {
    return finished.get(60, TimeUnit.SECONDS);
  }

  Flow.Subscription subscription() {
    return subscription.join();
  }

  /** What came until now; all of it after {@link #finished()}. */
  List<Token> tokens() {
    return List.copyOf(tokens);
  }

  int[] ids() {
    return tokens().stream().mapToInt(Token::id).toArray();
  }

  /** Of one choice, as if it were the only one. */
  List<Token> tokens(int choice) {
    return tokens().stream()
        .filter(token -> token.choice() == choice)
        .map(token -> token.of(0))
        .toList();
  }

  String text() {
    return text(tokens());
  }

  String text(int choice) {
    return text(tokens(choice));
  }

  private static String text(List<Token> tokens) {
    return tokens.stream().map(Token::text).collect(Collectors.joining());
  }

  /** What was told of the prompt, which must have come. */
  Prompt prompt() {
    return prompt.resultNow();
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription.complete(given);
    if (demand > 0) {
      given.request(demand);
    }
  }

  @Override
  public void onNext(GenerationEvent event) {
    switch (event) {
      case Token token -> {
        tokens.add(token);
        onToken.accept(token);
      }
      case Prompt of -> prompt.complete(of);
      case Finished end -> finished.complete(end);
    }
  }

  @Override
  public void onError(Throwable cause) {
    finished.completeExceptionally(cause);
  }

  @Override
  public void onComplete() {}
}
