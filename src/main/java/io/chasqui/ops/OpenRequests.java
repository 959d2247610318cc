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
  private final AtomicInteger open = new AtomicInteger();
  private volatile long lastCame = System.nanoTime();

  /** Before all other handlers, so that none of them can answer a request that is not counted. */
  void count(@Observes Router router) {
    router.route("/v1/*").order(Integer.MIN_VALUE).handler(this::count);
  }

  private void count(RoutingContext request) {
    open.incrementAndGet();
    lastCame = System.nanoTime();
    request.addEndHandler(sent -> open.decrementAndGet());
    request.next();
  }

  /** How many there are now. */
  int count() {
    return open.get();
  }

  /** How long none has come. */
  Duration quiet() {
    return Duration.ofNanos(System.nanoTime() - lastCame);
  }
}
