package io.chasqui.http;

import io.chasqui.engine.ServerMemory;
import io.chasqui.estimate.MemoryEstimate;
import io.chasqui.estimate.RuleOfThumb;
import io.chasqui.estimate.Workload;
import io.chasqui.ops.ServedModel;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.UriInfo;
import java.util.Map;

/**
 * {@code GET /v1/estimate}: the memory of the model that is served, as it is served or otherwise,
 * or of a shape that the client gives. No file is opened for it.
 */
@Path("/v1/estimate")
public class EstimateResource {
  private final ServedModel served;

  EstimateResource(ServedModel served) {
    this.served = served;
  }

  @GET
  public Uni<Map<String, Object>> estimate(@Context UriInfo uri) {
    return estimate(EstimateQuery.parse(uri.getQueryParameters()));
  }

  Uni<Map<String, Object>> estimate(EstimateQuery query) {
    if (query.shape().isPresent()) {
      MemoryEstimate estimate =
          ApiException.blaming(
              null,
              () ->
                  RuleOfThumb.estimate(query.shape().get(), query.question().over(Workload.USUAL)));
      return Uni.createFrom().item(estimate.fields("shape"));
    }
    return served
        .engine()
        .map(engine -> {
          query.model().ifPresent(model -> Models.require(served, model));
          ServerMemory memory =
              engine
                  .memory()
                  .orElseThrow(() ->
                      ApiException.unsupported(
                          "model",
                          "Jlama runs this model, whose memory is not known; give its shape."));
          return ApiException.blaming(null, () -> memory.estimate(query.question()))
              .fields(served.name());
        });
  }
}
