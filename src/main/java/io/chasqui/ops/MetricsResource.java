package io.chasqui.ops;

import io.micrometer.prometheus.PrometheusMeterRegistry;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.Context;

/**
 * {@code GET /metrics}: what is at {@code /q/metrics}, where the rules and dashboards that were
 * made for vLLM look for it.
 */
@Path("/metrics")
public class MetricsResource {
  private static final String OPEN_METRICS =
      "application/openmetrics-text; version=1.0.0; charset=utf-8";

  private final PrometheusMeterRegistry registry;

  MetricsResource(PrometheusMeterRegistry registry) {
    this.registry = registry;
  }

  @GET
  @Produces(OPEN_METRICS)
  public Uni<String> scrape(@Context RoutingContext client) {
    return WorkerThread.run(client, () -> Uni.createFrom().item(registry.scrape(OPEN_METRICS)));
  }
}
