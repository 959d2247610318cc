package io.chasqui.http;

import io.chasqui.ops.ColdStart;
import io.chasqui.ops.ColdStart.Phase;
import io.chasqui.ops.ServedModel;
import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.util.Locale;

/** What a stream whose model still loads is told meanwhile, in comments. */
final class Progress {
  private static final Duration PERIOD = Duration.ofSeconds(1);

  private final ServedModel served;

  Progress(ServedModel served) {
    this.served = served;
  }

  /**
   * A comment at once, when a phase begins, and every second; ends when the model is ready or has
   * failed.
   */
  Multi<String> comments() {
    ColdStart start = served.coldStart();
    Multi<Duration> seconds =
        Multi.createFrom().ticks().every(PERIOD).onOverflow().drop().map(tick -> start.now());
    Multi<Duration> loaded = start.end(Phase.LOAD).toMulti();
    Multi<Duration> settled =
        served.engine().onItemOrFailure().transform((engine, failure) -> start.now()).toMulti();
    return Multi.createBy()
        .merging()
        .streams(seconds, loaded, settled)
        .select()
        .first(time -> served.isLoading())
        .map(this::comment)
        .skip()
        .repetitions();
  }

  private String comment(Duration time) {
    String phase =
        served.coldStart().hasEnded(Phase.LOAD) ? "computing the first token" : "loading the model";
    double seconds = time.toMillis() / 1e3;
    return EventStream.comment(String.format(Locale.ROOT, "%s, %.1f s", phase, seconds));
  }
}
