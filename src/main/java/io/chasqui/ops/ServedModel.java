package io.chasqui.ops;

import io.chasqui.config.ChasquiConfig;
import io.chasqui.engine.Engine;
import io.chasqui.engine.EngineOptions;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.jboss.logging.Logger;

/**
 * The one model of this function. It loads beside the start of everything else, so that the port is
 * open at once; requests that come before it is ready wait for it.
 */
@Singleton
@Startup
public class ServedModel {
  private static final Logger LOG = Logger.getLogger(ServedModel.class);

  private final ChasquiConfig config;
  private final EngineMetrics metrics;
  private final CompletableFuture<Engine> engine = new CompletableFuture<>();

  ServedModel(ChasquiConfig config, EngineMetrics metrics) {
    this.config = config;
    this.metrics = metrics;
    Thread.ofPlatform().name("chasqui-load").daemon().start(this::load);
  }

  /** The engine, when it is ready; what follows does not run on the thread that loads it. */
  public Uni<Engine> engine() {
    // A copy for each: a client that leaves cancels what it waits for, and the model is
    // everybody's.
    Uni<Engine> ready = Uni.createFrom().completionStage(engine::copy);
    return engine.isDone() ? ready : ready.emitOn(Infrastructure.getDefaultWorkerPool());
  }

  /** Whether the model is loaded and has computed a token. */
  public boolean isReady() {
    return engine.isDone() && !engine.isCompletedExceptionally();
  }

  /**
   * The name that clients use.
   *
   * @throws IllegalStateException before the model is ready
   */
  public String name() {
    return config.servedModelName().orElseGet(() -> engine.resultNow().model().name());
  }

  private void load() {
    long begin = System.nanoTime();
    try {
      var options =
          new EngineOptions(
              config.maxModelLen(),
              config.kvCache().dtype(),
              kvMemory(),
              config.queue().capacity(),
              config.stream().stallTimeout(),
              config.speculation(),
              metrics.listener());
      Engine loaded = Engine.open(config.model(), options);
      metrics.observe(loaded);
      engine.complete(loaded);
      LOG.infof(
          "Model %s is ready: %s, context %d, loaded in %d ms",
          name(),
          loaded.model().architecture(),
          loaded.model().contextLength(),
          Duration.ofNanos(System.nanoTime() - begin).toMillis());
    } catch (RuntimeException | Error e) {
      engine.completeExceptionally(e);
      LOG.errorf("Model '%s' cannot be served: %s", config.model(), e.getMessage());
      LOG.debug("The cause", e);
      Quarkus.asyncExit(1);
    }
  }

  private OptionalLong kvMemory() {
    return config.kvCache().memory().stream()
        .mapToLong(size -> size.asBigInteger().longValueExact())
        .findFirst();
  }

  @PreDestroy
  void close() {
    if (isReady()) {
      engine.resultNow().close();
    }
  }
}
