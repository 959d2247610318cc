package io.chasqui.tracing;

import io.chasqui.engine.FinishReason;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.Timings;
import io.chasqui.engine.Usage;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;

/** A generation whose end is the end of a span, which has then those of its phases in it. */
final class TracedGeneration implements Generation {
  private final Generation of;
  private final boolean stream;
  private final Span span;
  private final Instant begun;
  private final Tracer tracer;
  private final FinishReason[] ends;
  private final AtomicBoolean subscribed = new AtomicBoolean();
  private int tokens;

  TracedGeneration(
      Generation of, int choices, boolean stream, Span span, Instant begun, Tracer tracer) {
    this.of = of;
    this.stream = stream;
    this.span = span;
    this.begun = begun;
    this.tracer = tracer;
    ends = new FinishReason[choices];
    Arrays.fill(ends, FinishReason.CANCELLED);
  }

  @Override
  public void subscribe(Flow.Subscriber<? super GenerationEvent> subscriber) {
    subscribed.set(true);
    Multi.createFrom()
        .publisher(of)
        .invoke(this::follow)
        .onFailure()
        .invoke(this::failed)
        .onCancellation()
        .invoke(this::left)
        .subscribe(subscriber);
  }

  @Override
  public void cancel() {
    of.cancel();
    if (!subscribed.get()) {
      left();
    }
  }

  @Override
  public CompletionStage<Usage> usage() {
    return of.usage();
  }

  private void follow(GenerationEvent event) {
    switch (event) {
      case Prompt _ -> {}
      case Token token -> {
        tokens++;
        token.end().ifPresent(reason -> ends[token.choice()] = reason);
      }
      case Finished end -> finished(end);
    }
  }

  private void finished(Finished end) {
    for (int i = 0; i < ends.length; i++) {
      ends[i] = ends[i] == FinishReason.CANCELLED ? end.reason() : ends[i];
    }
    Usage usage = end.usage();
    span.setAttribute(GenAi.USAGE_INPUT_TOKENS, (long) usage.promptTokens());
    span.setAttribute(GenAi.USAGE_CACHE_READ_INPUT_TOKENS, (long) usage.cachedTokens());
    Timings timings = end.timings();
    if (stream && usage.completionTokens() > 0) {
      span.setAttribute(
          GenAi.RESPONSE_TIME_TO_FIRST_CHUNK, timings.timeToFirstToken().toNanos() / 1e9);
    }
    Instant prefill = phase("queue", begun, timings.queue());
    Instant decode = phase("prefill", prefill, timings.prefill());
    phase("decode", decode, timings.decode());
    if (end.reason() == FinishReason.DEADLINE) {
      span.setAttribute(RequestTrace.ERROR_TYPE, "timeout").setStatus(StatusCode.ERROR);
    }
    end(usage.completionTokens());
  }

  private Instant phase(String name, Instant start, Duration length) {
    Instant end = start.plus(length);
    tracer
        .spanBuilder(name)
        .setParent(Context.root().with(span))
        .setStartTimestamp(start)
        .startSpan()
        .end(end);
    return end;
  }

  private void failed(Throwable cause) {
    span.setAttribute(RequestTrace.ERROR_TYPE, cause.getClass().getName())
        .setStatus(StatusCode.ERROR);
    end(tokens);
  }

  /** Nobody listens any more, so that the engine has no last word. */
  private void left() {
    end(tokens);
  }

  private void end(int outputTokens) {
    span.setAttribute(GenAi.USAGE_OUTPUT_TOKENS, (long) outputTokens);
    span.setAttribute(
        GenAi.RESPONSE_FINISH_REASONS, Arrays.stream(ends).map(TracedGeneration::word).toList());
    span.end();
  }

  private static String word(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      case LENGTH, DEADLINE -> "length";
      case CANCELLED, UNREAD, CLOSED -> "cancelled";
    };
  }
}
