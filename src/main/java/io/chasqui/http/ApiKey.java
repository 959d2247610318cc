package io.chasqui.http;

import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.Usage;
import io.smallrye.mutiny.Multi;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/**
 * A key of the API and what it is good for.
 *
 * @param name what logs call it; the key itself is nowhere but in its file
 * @param digest SHA-256 of the key
 * @param requests how many it may send
 * @param tokens of prompts and answers how many it may cost; what an answer takes is known when it
 *     has it, so that a key can come to owe some
 * @param mostUrgent the least {@code priority} that its requests may have
 */
@SuppressWarnings("ArrayRecordComponent") // compared in constant time only
record ApiKey(
    String name, byte[] digest, Optional<Quota> requests, Optional<Quota> tokens, int mostUrgent) {

  /** The key that a request came with; empty where none is asked for. */
  static Optional<ApiKey> of(RoutingContext client) {
    return Optional.ofNullable(client.get(ApiKey.class.getName()));
  }

  void attachTo(RoutingContext client) {
    client.put(ApiKey.class.getName(), this);
  }

  /**
   * Takes a request in.
   *
   * @throws ApiException if it has to wait
   */
  void admit() {
    requireNow(requests, "requests");
    requireNow(tokens, "tokens");
    requests.ifPresent(quota -> quota.spend(1));
  }

  private void requireNow(Optional<Quota> quota, String what) {
    Duration wait = quota.map(each -> each.until(1)).orElse(Duration.ZERO);
    if (wait.isPositive()) {
      throw ApiException.rateLimited(name, what, wait);
    }
  }

  /**
   * The priority of a request that came with this key.
   *
   * @param asked what the request says of it, if it does
   * @throws ApiException if the request wants to be more urgent than the key allows: to take it as
   *     less urgent would be an answer that comes later than the client expects
   */
  int priority(Optional<Integer> asked) {
    if (asked.isPresent() && asked.get() < mostUrgent) {
      throw ApiException.tooUrgent(name, asked.get(), mostUrgent);
    }
    return asked.orElse(Math.max(0, mostUrgent));
  }

  /** The same generation; its prompt and each of its tokens are counted. */
  Generation metered(Generation generation, int promptTokens) {
    if (tokens.isEmpty()) {
      return generation;
    }
    tokens.get().spend(promptTokens);
    return new Metered(generation, tokens.get());
  }

  private record Metered(Generation of, Quota tokens) implements Generation {
    @Override
    public void subscribe(Flow.Subscriber<? super GenerationEvent> subscriber) {
      Multi.createFrom()
          .publisher(of)
          .invoke(event -> {
            if (event instanceof GenerationEvent.Token) {
              tokens.spend(1);
            }
          })
          .subscribe(subscriber);
    }

    @Override
    public void cancel() {
      of.cancel();
    }

    @Override
    public CompletionStage<Usage> usage() {
      return of.usage();
    }
  }
}
