package io.chasqui.http;

import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.NotAllowedException;
import jakarta.ws.rs.NotFoundException;
import jakarta.ws.rs.NotSupportedException;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/** Every failure leaves in OpenAI's envelope, and none with a stack trace. */
public class ErrorMappers {
  @ServerExceptionMapper
  Response refused(ApiException e) {
    var response = Response.status(e.status()).entity(e.body()).type(MediaType.APPLICATION_JSON);
    e.retryAfter().ifPresent(after -> response.header("Retry-After", after.toSeconds()));
    return response.build();
  }

  @ServerExceptionMapper
  Response byTheFramework(WebApplicationException e, RoutingContext client) {
    int status = e.getResponse().getStatus();
    if (status >= 500) {
      return unexpected(e, client);
    }
    if (e instanceof NotFoundException) {
      return refused(ApiException.nothingHere());
    }
    String message =
        switch (e) {
          case NotAllowedException _ -> "This path does not take this method.";
          case NotSupportedException _ ->
              "Send the body as JSON, with content-type: application/json.";
          default -> "The request cannot be served: " + e.getMessage();
        };
    return refused(ApiException.of(status, message, null, null));
  }

  @ServerExceptionMapper
  Response unexpected(Throwable e, RoutingContext client) {
    return refused(RequestGuard.identified(client, () -> ApiException.of(e)));
  }
}
