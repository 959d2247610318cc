package io.chasqui.ops;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.quarkus.vertx.http.HttpServerStart;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.event.ObservesAsync;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * How long this process took to come to work. The phases overlap, since the model loads while the
 * server starts; each is therefore measured from the start of the process to its own end.
 */
@Singleton
public class ColdStart {
  /** What has to happen before the first answer, in the order in which it ends as a rule. */
  public enum Phase {
    /** The Java runtime runs, and has entered main. */
    RUNTIME,
    /** The port is open. */
    LISTEN,
    /** The model is found, checked and mapped; before that, downloaded and packed if need be. */
    LOAD,
    /** The model has computed a token. */
    READY;

    private String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  private static final double[] SECONDS = {
    .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 20, 30, 60
  };

  private final MeterRegistry registry;
  private final ProcessClock clock = new ProcessClock();
  private final Map<Phase, CompletableFuture<Duration>> ends = new EnumMap<>(Phase.class);
  private final AtomicBoolean answered = new AtomicBoolean();

  ColdStart(MeterRegistry registry) {
    this.registry = registry;
    for (Phase phase : Phase.values()) {
      ends.put(phase, new CompletableFuture<>());
    }
    clock.atMain().ifPresent(time -> ended(Phase.RUNTIME, time));
  }

  void portOpened(@ObservesAsync HttpServerStart event) {
    ended(Phase.LISTEN);
  }

  /** A phase ends now; only its first end counts. */
  void ended(Phase phase) {
    ended(phase, clock.now());
  }

  private void ended(Phase phase, Duration time) {
    if (ends.get(phase).complete(time)) {
      Timer.builder("chasqui_cold_start_seconds")
          .description("From the start of the process to the end of a phase of its cold start")
          .tag("phase", phase.word())
          .serviceLevelObjectives(EngineMetrics.buckets(SECONDS))
          .register(registry)
          .record(time);
    }
  }

  /** Time since the process started. */
  public Duration now() {
    return clock.now();
  }

  public boolean hasEnded(Phase phase) {
    return ends.get(phase).isDone();
  }

  /** The end of a phase, when it comes; it never does in a start that fails. */
  public Uni<Duration> end(Phase phase) {
    return Uni.createFrom().completionStage(ends.get(phase)::copy);
  }

  /** Whether it is the first answer of this process that asks: true once, whoever is first. */
  public boolean isFirstAnswer() {
    return answered.compareAndSet(false, true);
  }

  /** The phases that have ended so far, in a set of the caller's own. */
  public Set<Phase> ended() {
    return Stream.of(Phase.values())
        .filter(this::hasEnded)
        .collect(Collectors.toCollection(() -> EnumSet.noneOf(Phase.class)));
  }

  /**
   * Phases in milliseconds, as the value of a header <a
   * href="https://www.w3.org/TR/server-timing/">Server-Timing</a>.
   *
   * @param phases some that have ended
   */
  public String serverTiming(Set<Phase> phases) {
    return told(phases::contains, "%s;dur=%.1f");
  }

  /** All phases so far, for people. */
  @Override
  public String toString() {
    return told(this::hasEnded, "%s %.0f ms");
  }

  private String told(Predicate<Phase> wanted, String format) {
    return Stream.of(Phase.values())
        .filter(wanted)
        .map(phase ->
            String.format(
                Locale.ROOT, format, phase.word(), ends.get(phase).resultNow().toNanos() / 1e6))
        .collect(Collectors.joining(", "));
  }
}
