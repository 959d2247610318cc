package io.chasqui.engine;

import io.chasqui.engine.GenerationEvent.Finished;
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

/** A subscriber that keeps what it gets. */
final class Collected implements Flow.Subscriber<GenerationEvent> {
  private final List<Token> tokens = Collections.synchronizedList(new ArrayList<>());
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

  String text() {
    var text = new StringBuilder();
    tokens().forEach(token -> text.append(token.text()));
    return text.toString();
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
