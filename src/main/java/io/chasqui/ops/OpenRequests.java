package io.chasqui.ops;

import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

/** Counts the API's requests that are not answered to their end. */
@Singleton
public class OpenRequests {
  private static final int BAD_REQUEST = 400;

  private final AtomicInteger open = new AtomicInteger();
  private volatile long lastServed = System.nanoTime();

  /** The place of this among the router's handlers: before all that answer. */
  public static final int ORDER = Integer.MIN_VALUE + 1;

  void count(@Observes Router router) {
    router.route("/v1/*").order(ORDER).handler(this::count);
  }

  private void count(RoutingContext request) {
    open.incrementAndGet();
    request.addEndHandler(sent -> {
      // What is refused shows nobody who still counts on this process.
      if (request.response().getStatusCode() < BAD_REQUEST) {
        lastServed = System.nanoTime();
      }
      open.decrementAndGet();
    });
    request.next();
  }

  /** How many there are now. */
  int count() {
    return open.get();
  }

  /** For how long none has been served. */
  Duration quiet() {
    return Duration.ofNanos(System.nanoTime() - lastServed);
  }
}
