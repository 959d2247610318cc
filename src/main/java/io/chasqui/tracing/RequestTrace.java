package io.chasqui.tracing;

import static io.opentelemetry.api.common.AttributeKey.stringArrayKey;

import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.sampling.SamplingParameters;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.vertx.core.AsyncResult;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.MDC;

/** The spans of one request: that of HTTP, and in it that of the inference. */
public final class RequestTrace {
  static final AttributeKey<String> ERROR_TYPE = AttributeKey.stringKey("error.type");

  private static final String PROVIDER = "chasqui";
  private static final String REQUEST_ID = "X-Request-Id";
  private static final AttributeKey<List<String>> REQUEST_ID_HEADER =
      stringArrayKey("http.response.header.x-request-id");

  private final String route;
  private final Span span;
  private final Tracer tracer;

  private RequestTrace(String route, Span span, Tracer tracer) {
    this.route = route;
    this.span = span;
    this.tracer = tracer;
  }

  /** The trace that a request has; empty where nobody wants one. */
  public static Optional<RequestTrace> of(RoutingContext client) {
    return Optional.ofNullable(client.get(RequestTrace.class.getName()));
  }

  static void begin(RoutingContext client, SpanBuilder builder, Tracer tracer) {
    HttpServerRequest request = client.request();
    String route = request.method().name() + " " + request.path();
    var trace = new RequestTrace(route, builder.startSpan(), tracer);
    client.put(RequestTrace.class.getName(), trace);
    MDC.put("traceId", trace.span.getSpanContext().getTraceId());
    client.addEndHandler(sent -> trace.end(client, sent));
  }

  private void end(RoutingContext client, AsyncResult<Void> sent) {
    int status = client.response().getStatusCode();
    String id = client.response().headers().get(REQUEST_ID);
    if (id != null) {
      span.setAttribute(REQUEST_ID_HEADER, List.of(id));
    }
    span.setAttribute("http.response.status_code", status);
    if (status >= 500) {
      span.setAttribute(ERROR_TYPE, Integer.toString(status)).setStatus(StatusCode.ERROR);
    } else if (sent.failed()) {
      span.setAttribute(ERROR_TYPE, "connection_closed");
    }
    span.end();
  }

  /**
   * Submits a request to the engine; its span ends with the last token.
   *
   * @throws RuntimeException what the engine throws
   */
  public Generation submit(Engine engine, GenerationRequest request, Inference about) {
    span.updateName(route); // one of two; what clients ask in vain would be any number of names
    Instant begun = Instant.now();
    Context of = Context.root().with(span);
    Span inference = builder(request, about).setParent(of).setStartTimestamp(begun).startSpan();
    try {
      return new TracedGeneration(
          engine.submit(request), request.choices(), about.stream(), inference, begun, tracer);
    } catch (RuntimeException e) {
      inference.setAttribute(ERROR_TYPE, e.getClass().getName()).setStatus(StatusCode.ERROR).end();
      throw e;
    }
  }

  private SpanBuilder builder(GenerationRequest request, Inference about) {
    SamplingParameters sampling = request.sampling();
    SpanBuilder builder =
        tracer
            .spanBuilder(about.operation() + " " + about.model())
            .setAttribute(GenAi.OPERATION_NAME, about.operation())
            .setAttribute(GenAi.PROVIDER_NAME, PROVIDER)
            .setAttribute(GenAi.REQUEST_MODEL, about.model())
            .setAttribute(GenAi.REQUEST_STREAM, about.stream())
            .setAttribute(GenAi.REQUEST_SEED, sampling.seed())
            .setAttribute(GenAi.REQUEST_TEMPERATURE, sampling.temperature())
            .setAttribute(GenAi.REQUEST_TOP_P, sampling.topP())
            .setAttribute(GenAi.REQUEST_FREQUENCY_PENALTY, sampling.frequencyPenalty())
            .setAttribute(GenAi.REQUEST_PRESENCE_PENALTY, sampling.presencePenalty())
            .setAttribute(GenAi.RESPONSE_ID, about.id())
            .setAttribute(GenAi.RESPONSE_MODEL, about.model());
    if (sampling.topK() > 0) {
      builder.setAttribute(GenAi.REQUEST_TOP_K, (double) sampling.topK());
    }
    if (request.choices() > 1) {
      builder.setAttribute(GenAi.REQUEST_CHOICE_COUNT, (long) request.choices());
    }
    if (request.maxTokens() != GenerationRequest.NO_LIMIT) {
      builder.setAttribute(GenAi.REQUEST_MAX_TOKENS, (long) request.maxTokens());
    }
    return builder;
  }
}
