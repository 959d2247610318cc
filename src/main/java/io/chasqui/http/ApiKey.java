package io.chasqui.http;

import io.chasqui.engine.Generation;
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
 * @param tokens of prompts and answers how many it may cost; what an answer takes is known when it
 *     has ended, so that a key can come to owe some
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
    if (quota.isPresent() && !quota.get().hasSome()) {
      throw haveToWait(quota.get(), what);
    }
  }

  private ApiException haveToWait(Quota quota, String what) {
    Duration wait = quota.untilSome();
    return wait.isPositive()
        ? ApiException.rateLimited(name, what, wait)
        : ApiException.reserved(name, what);
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
   * Submits a request whose tokens count. Those that it can cost at most are reserved until it
   * ends, so that requests side by side cost no more than there is, but for the last one that was
   * let in.
   *
   * @param most tokens that it can cost
   * @throws ApiException if it has to wait
   */
  Generation charge(long most, Supplier<Generation> submission) {
    if (tokens.isEmpty()) {
      return submission.get();
    }
    Quota quota = tokens.get();
    if (!quota.reserve(most)) {
      throw haveToWait(quota, "tokens");
    }
    Generation generation;
    try {
      generation = submission.get();
    } catch (RuntimeException | Error e) {
      quota.settle(most, 0);
      throw e;
    }
    var _ = generation.usage().thenAccept(usage -> quota.settle(most, usage.totalTokens()));
    return generation;
  }
}
