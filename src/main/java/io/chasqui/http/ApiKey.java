package io.chasqui.http;

import io.chasqui.engine.Generation;
import io.chasqui.http.Quota.Reservation;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * A key of the API and what it is good for.
 *
 * @param name what logs call it; the key itself is nowhere but in its file
 * @param digest SHA-256 of the key
 * @param requests how many it may send
 * @param tokens of prompts and answers how many it may cost; the most that a request can take is
 *     reserved while it runs, and what it has taken counts at its end, so that a key can come to
 *     owe some
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
   * @param generates whether it is one for {@link #submit}, so that it may be refused before its
   *     body is read
   * @throws ApiException if it has to wait
   */
  void admit(boolean generates) {
    requireNow(requests, "requests");
    requireNow(tokens, "tokens");
    if (generates && tokens.isPresent() && !tokens.get().hasUnreserved()) {
      throw tokensRefused();
    }
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

  /**
   * Submits a request, whose tokens count when it has ended.
   *
   * @param maxTokens the most that it can cost
   * @param submission submits it to the engine; what it throws is thrown, and the request costs
   *     nothing
   * @throws ApiException if it has to wait
   */
  Generation submit(long maxTokens, Supplier<Generation> submission) {
    if (tokens.isEmpty()) {
      return submission.get();
    }
    Reservation reservation = tokens.get().reserve(maxTokens).orElseThrow(this::tokensRefused);
    Generation generation;
    try {
      generation = submission.get();
    } catch (RuntimeException | Error e) {
      reservation.settle(0);
      throw e;
    }
    var _ = generation.usage().thenAccept(usage -> reservation.settle(usage.totalTokens()));
    return generation;
  }

  private ApiException tokensRefused() {
    requireNow(tokens, "tokens");
    return ApiException.tokensReserved(name);
  }
}
