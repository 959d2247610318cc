package io.chasqui.ops;

import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.vertx.core.Context;
import io.vertx.ext.web.RoutingContext;
import java.util.function.Supplier;

/**
 * Where the work of a request is done that would hold up an event loop: reading a long body,
 * templates, tokenization, the JSON of a whole answer.
 *
 * <p>All else of a request stays on its event loop. A {@code @Blocking} resource would take the
 * rest of the request to the worker too, and RESTEasy is not ready for that: when the client
 * leaves, it changes the request's state on the event loop, without a lock (<a
 * href="https://github.com/quarkusio/quarkus/issues/55116">Quarkus 55116</a>). A request that a
 * worker serves at that moment fails, or goes from worker to worker for ever.
 */
public final class WorkerThread {
  private WorkerThread() {}

  /**
   * The result of work; comes on the event loop of the caller. There is none if the client leaves;
   * work that has begun goes on, and is to be cancelled otherwise.
   *
   * @param work what a worker thread is to do; is not begun if the client has left by then
   */
  public static <T> Uni<T> run(RoutingContext client, Supplier<Uni<T>> work) {
    Context eventLoop = client.vertx().getOrCreateContext();
    // Not by Mutiny's own operators: they log as an error what fails after the client has left.
    return Uni.createFrom()
        .emitter(result ->
            Infrastructure.getDefaultWorkerPool()
                .execute(() -> {
                  if (!client.response().closed()) {
                    Uni.createFrom()
                        .<T>deferred(work::get)
                        .subscribe()
                        .with(
                            item -> eventLoop.runOnContext(now -> result.complete(item)),
                            failure -> eventLoop.runOnContext(now -> result.fail(failure)));
                  }
                }));
  }
}
