package io.chasqui.ops;

import io.chasqui.config.ChasquiConfig;
import io.quarkus.runtime.LaunchMode;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * Ends the process without cutting a stream, which is what SIGTERM asks for: no longer ready, but
 * with its port open, because a platform sends requests for a while after it has decided to stop a
 * replica. When all are answered and none was served for a moment, or when the time is up, the
 * process exits with 0. Answers that the time does not suffice for end with an error that says so.
 *
 * <p>A second SIGTERM is the end of the time.
 */
@Singleton
public class Drain {
  private static final Logger LOG = Logger.getLogger(Drain.class);

  private static final Duration POLL = Duration.ofMillis(20);

  /** For the last events of answers that were ended, to be written. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private final ServedModel served;
  private final OpenRequests open;
  private final ChasquiConfig.DrainSettings config;
  private final Runnable exit;
  private final AtomicInteger asked = new AtomicInteger();

  @Inject
  Drain(ServedModel served, OpenRequests open, ChasquiConfig config) {
    this(served, open, config.drain(), () -> Quarkus.asyncExit(0));
  }

  Drain(ServedModel served, OpenRequests open, ChasquiConfig.DrainSettings config, Runnable exit) {
    this.served = served;
    this.open = open;
    this.config = config;
    this.exit = exit;
  }

  void listen(@Observes StartupEvent started) {
    if (LaunchMode.current() == LaunchMode.NORMAL) {
      Termination.handle(this::begin);
    }
  }

  /** Whether the process is about to end. */
  boolean hasBegun() {
    return asked.get() > 0;
  }

  /** Begins; the second time, there is no time left. */
  void begin() {
    if (asked.getAndIncrement() == 0) {
      Thread.ofPlatform().name("chasqui-drain").start(this::run);
    }
  }

  private void run() {
    LOG.infof(
        "Stopping: requests that are not answered yet, %d now, have %d s",
        open.count(), config.timeout().toSeconds());
    long begun = System.nanoTime();
    await(
        config.timeout(),
        () ->
            asked.get() > 1
                || (open.count() == 0
                    && open.quiet().compareTo(config.quietPeriod()) >= 0
                    // Who was told of this process sends to it for a while yet.
                    && System.nanoTime() - begun >= config.quietPeriod().toNanos()));
    int left = open.count();
    if (left > 0) {
      LOG.warnf("%d requests are not answered to their end and end now with an error", left);
    }
    served.stop();
    await(LAST_WORDS, () -> open.count() == 0);
    exit.run();
  }

  private static void await(Duration most, BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean() && System.nanoTime() - start < most.toNanos()) {
      try {
        Thread.sleep(POLL);
      } catch (InterruptedException e) {
        return; // the process ends another way
      }
    }
  }
}
