package io.chasqui.http;

import io.chasqui.engine.AdmissionException;
import io.chasqui.engine.EngineFailedException;
import io.chasqui.ops.ModelUnavailableException;
import io.quarkus.runtime.Startup;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.inject.Singleton;
import jakarta.ws.rs.WebApplicationException;
import org.jboss.logging.Logger;

/**
 * Logs errors that come when nobody is left to hear them, as a rule because a client has left. What
 * would have been an ordinary answer to that client is no operator's business.
 */
@Singleton
@Startup
class UnheardErrors {
  private static final Logger LOG = Logger.getLogger(UnheardErrors.class);

  UnheardErrors() {
    Infrastructure.setDroppedExceptionHandler(UnheardErrors::log);
  }

  private static void log(Throwable error) {
    switch (error) {
      case ApiException _,
          AdmissionException _,
          ModelUnavailableException _,
          EngineFailedException _,
          WebApplicationException _ ->
          LOG.debugf("A client left before it was told: %s", error.getMessage());
      case Throwable _ when ClientLeft.isReasonOf(error) ->
          LOG.debugf("A client left before it was answered: %s", error.getMessage());
      default -> LOG.error("Something failed when nobody was left to be told", error);
    }
  }
}
