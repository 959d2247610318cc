package io.chasqui.tracing;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.autoconfigure.AutoConfiguredOpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import io.quarkus.runtime.configuration.ConfigurationException;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.eclipse.microprofile.config.Config;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Tells a collector of requests, if there is one: the standard's own variables, {@code
 * OTEL_EXPORTER_OTLP_ENDPOINT} above all, say where it is. Without it no SDK is made.
 */
@Singleton
@Startup
public class Tracing {
  private static final Logger LOG = Logger.getLogger(Tracing.class);

  private static final String PREFIX = "otel.";
  private static final List<String> ENDPOINTS =
      List.of("otel.exporter.otlp.endpoint", "otel.exporter.otlp.traces.endpoint");

  /** What is not the standard's own default; its variables can change it. */
  private static final Map<String, String> DEFAULTS =
      Map.of(
          "otel.service.name", "chasqui",
          "otel.exporter.otlp.protocol", "http/protobuf",
          "otel.metrics.exporter", "none",
          "otel.logs.exporter", "none");

  /** How long the last spans have to be sent when the process ends. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(2);

  private final Optional<OpenTelemetrySdk> sdk;

  /**
   * @throws ConfigurationException if a collector is configured in a way that cannot be
   */
  @Inject
  Tracing(Config config, @ConfigProperty(name = "quarkus.application.version") String version) {
    sdk =
        ENDPOINTS.stream().anyMatch(name -> config.getOptionalValue(name, String.class).isPresent())
            ? Optional.of(start(config, version))
            : Optional.empty();
  }

  // A ConfigurationException with a cause would be printed with the traces of both.
  @SuppressWarnings("UnusedException")
  private static OpenTelemetrySdk start(Config config, String version) {
    Map<String, String> settings = new HashMap<>(DEFAULTS);
    for (String name : config.getPropertyNames()) {
      if (name.startsWith(PREFIX)) {
        config.getOptionalValue(name, String.class).ifPresent(value -> settings.put(name, value));
      }
    }
    try {
      return AutoConfiguredOpenTelemetrySdk.builder()
          .addPropertiesSupplier(() -> settings)
          .addResourceCustomizer((resource, others) ->
              Resource.create(Attributes.of(AttributeKey.stringKey("service.version"), version))
                  .merge(resource))
          .disableShutdownHook()
          .build()
          .getOpenTelemetrySdk();
    } catch (RuntimeException e) {
      throw new ConfigurationException("Tracing cannot begin: " + e.getMessage());
    }
  }

  /** Whether anybody wants to know. */
  public boolean isOn() {
    return sdk.isPresent();
  }

  /** Handles a request by beginning its span, which ends with the answer. */
  public void begin(RoutingContext client) {
    sdk.ifPresent(on -> trace(client, on));
    client.next();
  }

  private static void trace(RoutingContext client, OpenTelemetrySdk sdk) {
    HttpServerRequest request = client.request();
    Context caller =
        sdk.getPropagators().getTextMapPropagator().extract(Context.root(), request, new Headers());
    Tracer tracer = sdk.getTracer("io.chasqui");
    String method = request.method().name();
    // Clients make up any number of methods, and collectors count by names and by methods.
    boolean isKnown = HttpMethod.values().contains(request.method());
    SpanBuilder span =
        tracer
            .spanBuilder(isKnown ? method : "HTTP")
            .setParent(caller)
            .setSpanKind(SpanKind.SERVER)
            .setAttribute("http.request.method", isKnown ? method : "_OTHER")
            .setAttribute("url.path", request.path());
    if (!isKnown) {
      span.setAttribute("http.request.method_original", method);
    }
    RequestTrace.begin(client, span, tracer);
  }

  private static final class Headers implements TextMapGetter<HttpServerRequest> {
    @Override
    public Iterable<String> keys(HttpServerRequest request) {
      return request.headers().names();
    }

    @Override
    public String get(HttpServerRequest request, String name) {
      return request.getHeader(name);
    }
  }

  void end(@Observes ShutdownEvent ending) {
    if (sdk.isPresent()
        && !sdk.get()
            .getSdkTracerProvider()
            .shutdown()
            .join(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS)
            .isSuccess()) {
      LOG.warn("The last spans could not be sent");
    }
  }
}
