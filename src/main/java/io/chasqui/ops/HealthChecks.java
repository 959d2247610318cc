package io.chasqui.ops;

import io.smallrye.health.api.AsyncHealthCheck;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import java.util.function.BooleanSupplier;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * Started and ready mean: the model is loaded and has computed a token. Being busy makes nobody
 * unready, being about to stop does, and so does a model whose file is damaged; no check waits for
 * a lock that the engine holds, or for a worker thread, all of which may have much to do. The
 * process is live as long as it answers and no error has ended its engine.
 */
@Singleton
class HealthChecks {
  private final ServedModel served;
  private final Drain drain;

  HealthChecks(ServedModel served, Drain drain) {
    this.served = served;
    this.drain = drain;
  }

  @Produces
  @Singleton
  @Startup
  AsyncHealthCheck started() {
    return check("model", served::isReady);
  }

  @Produces
  @Singleton
  @Readiness
  AsyncHealthCheck ready() {
    return check(
        "model", () -> served.isReady() && !served.watch().isDamaged() && !drain.hasBegun());
  }

  @Produces
  @Singleton
  @Liveness
  AsyncHealthCheck live() {
    return check("engine", () -> !served.hasFailed());
  }

  private static AsyncHealthCheck check(String name, BooleanSupplier isUp) {
    return () ->
        Uni.createFrom()
            .item(
                () -> HealthCheckResponse.builder().name(name).status(isUp.getAsBoolean()).build());
  }
}
