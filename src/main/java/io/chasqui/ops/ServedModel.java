package io.chasqui.ops;

import io.chasqui.config.ChasquiConfig;
import io.chasqui.engine.Engine;
import io.chasqui.engine.EngineOptions;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/**
 * The one model of this function. It loads beside the start of everything else, so that the port is
 * open at once; requests that come before it is ready wait for it.
 */
@Singleton
@Startup
public class ServedModel {
  private static final Logger LOG = Logger.getLogger(ServedModel.class);

  /** The time that those who wait have to hear that the model cannot be loaded. */
  private static final Duration LAST_WORDS = Duration.ofMillis(500);

  /** The time that clients have to read how their answers end when the engine has failed. */
  private static final Duration LAST_EVENTS = Duration.ofSeconds(2);

  private final ChasquiConfig config;
  private final EngineMetrics metrics;
  private final ColdStart coldStart;
  private final Runnable exit;
  private final ModelWatch watch = new ModelWatch();
  private final CompletableFuture<Engine> engine = new CompletableFuture<>();

  @Inject
  ServedModel(ChasquiConfig config, EngineMetrics metrics, ColdStart coldStart) {
    this(config, metrics, coldStart, () -> Quarkus.asyncExit(1));
  }

  /**
   * @param exit what to do when the model cannot be loaded, or its engine has failed
   */
  ServedModel(ChasquiConfig config, EngineMetrics metrics, ColdStart coldStart, Runnable exit) {
    this.config = config;
    this.metrics = metrics;
    this.coldStart = coldStart;
    this.exit = exit;
    Thread.ofPlatform().name("chasqui-load").daemon().start(this::load);
  }

  /** How this process came to work. */
  public ColdStart coldStart() {
    return coldStart;
  }

  /**
   * The engine, when it is ready; what follows does not run on the thread that loads it. Fails with
   * {@link ModelUnavailableException} if it cannot be loaded.
   */
  public Uni<Engine> engine() {
    // A copy for each: a client that leaves cancels what it waits for, and the model is
    // everybody's.
    Uni<Engine> ready = Uni.createFrom().completionStage(engine::copy);
    return engine.isDone() ? ready : ready.emitOn(Infrastructure.getDefaultWorkerPool());
  }

  /** Whether the model is loaded and its engine takes requests. */
  public boolean isReady() {
    return isLoaded() && !hasFailed();
  }

  /** Whether the engine was there and an error has ended it: the process is about to exit. */
  boolean hasFailed() {
    return isLoaded() && engine.resultNow().hasFailed();
  }

  private boolean isLoaded() {
    return engine.isDone() && !engine.isCompletedExceptionally();
  }

  /** What watches its file, once it is loaded. */
  ModelWatch watch() {
    return watch;
  }

  /** Whether the engine still comes: it is neither ready nor has failed. */
  public boolean isLoading() {
    return !engine.isDone();
  }

  /** Whether {@link #name} can be told: before the model is loaded only where it is a setting. */
  public boolean isNameKnown() {
    return config.servedModelName().isPresent() || isLoaded();
  }

  /**
   * The name that clients use.
   *
   * @throws IllegalStateException before it {@linkplain #isNameKnown is known}
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
              config.maxNumSeqs(),
              config.queue().capacity(),
              config.stream().stallTimeout(),
              config.speculation(),
              metrics.listener(coldStart, this::broke));
      Engine loaded = Engine.open(config.model(), options, config.verify());
      metrics.observe(loaded);
      coldStart.ended(ColdStart.Phase.READY);
      if (!engine.complete(loaded)) {
        loaded.close(); // the process stops already
        return;
      }
      LOG.infof(
          "Model %s is ready: %s, context %d, kernels %s, loaded in %d ms (from the start of the process: %s)",
          name(),
          loaded.model().architecture(),
          loaded.model().contextLength(),
          loaded.model().kernels(),
          Duration.ofNanos(System.nanoTime() - begin).toMillis(),
          coldStart);
      loaded
          .model()
          .memory()
          .ifPresent(memory ->
              LOG.infof(
                  "Memory: %s; %d sequences run at once", memory, loaded.model().sequences()));
      loaded.file().ifPresent(file -> watch.start(file, this::cutOff));
    } catch (RuntimeException | Error e) {
      fail(e);
    }
  }

  /**
   * Ends every answer that runs or waits, and takes no more; those that wait for the model hear
   * that it does not come.
   */
  void stop() {
    engine.completeExceptionally(ModelUnavailableException.stopping());
    close();
  }

  private void fail(Throwable cause) {
    LOG.errorf("Model '%s' cannot be served: %s", config.model(), cause.getMessage());
    LOG.debug("The cause", cause);
    boolean awaited = engine.getNumberOfDependents() > 0;
    engine.completeExceptionally(new ModelUnavailableException(cause));
    if (awaited) {
      CompletableFuture.delayedExecutor(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS).execute(exit);
    } else {
      exit.run();
    }
  }

  /**
   * Ends the process, which cannot answer any more. Runs on the engine's thread, so that nothing
   * must be started for it.
   */
  private void broke(Throwable cause) {
    LOG.error("The engine has failed, so that this process ends", cause);
    try {
      Thread.sleep(LAST_EVENTS);
    } catch (InterruptedException e) {
      // The process ends at once.
    }
    exit.run();
  }

  private void cutOff() {
    stop();
    exit.run();
  }

  private OptionalLong kvMemory() {
    return config.kvCache().memory().stream()
        .mapToLong(size -> size.asBigInteger().longValueExact())
        .findFirst();
  }

  @PreDestroy
  void close() {
    if (isLoaded()) {
      engine.resultNow().close();
    }
  }
}
