package io.chasqui.http;

import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.vertx.core.Context;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Singleton;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/**
 * {@code GET /metrics}, where the rules and dashboards that were made for vLLM look for it, and
 * {@code GET /q/metrics}, where those for Quarkus do.
 */
@Path("/")
@Singleton
public class MetricsResource {
  private static final String OPEN_METRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  private final PrometheusMeterRegistry registry;
  private final RequestMemory memory;

  /** What all get who ask before it begins to be written; null if nobody has asked since. */
  private Uni<Pieces> next;

  MetricsResource(PrometheusMeterRegistry registry, RequestMemory memory) {
    this.registry = registry;
    this.memory = memory;
  }

  @GET
  @Path("/metrics")
  public Uni<Response> metrics(@jakarta.ws.rs.core.Context RoutingContext client) {
    AnswerMemory answer = memory.answer(client);
    Context eventLoop = client.vertx().getOrCreateContext();
    return next()
        .emitOn(written -> eventLoop.runOnContext(now -> written.run()))
        .map(text -> WholeBody.response(text, OPEN_METRICS, answer));
  }

  @GET
  @Path("/q/metrics")
  public Uni<Response> metricsOfQuarkus(@jakarta.ws.rs.core.Context RoutingContext client) {
    return metrics(client);
  }

  private synchronized Uni<Pieces> next() {
    if (next == null) {
      next =
          Uni.createFrom()
              .item(() -> memory.work(this::write))
              .runSubscriptionOn(Infrastructure.getDefaultWorkerPool())
              .memoize()
              .indefinitely();
    }
    return next;
  }

  private Pieces write() {
    synchronized (this) {
      next = null;
    }
    var text = new Pieces(bytes -> {}); // counted where it is written, for each who asked
    try (var writer = new OutputStreamWriter(text, StandardCharsets.UTF_8)) {
      registry.scrape(writer, OPEN_METRICS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return text;
  }
}
