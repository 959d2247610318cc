package io.chasqui.http;

import io.chasqui.ops.ServedModel;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;

/** {@code GET /v1/models} and {@code GET /v1/models/{id}}. */
@Path("/v1/models")
public class ModelsResource {
  private final ServedModel served;

  ModelsResource(ServedModel served) {
    this.served = served;
  }

  @GET
  public Uni<Models> list() {
    return served.engine().map(engine -> Models.of(Models.Model.of(engine, served.name())));
  }

  /** An id such as OWNER/NAME has a slash in it. */
  @GET
  @Path("/{id:.+}")
  public Uni<Models.Model> one(@PathParam("id") String id) {
    return served.engine().map(engine -> Models.Model.of(engine, Models.require(served, id)));
  }
}
