package io.chasqui.ops;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * Started and ready mean: the model is loaded and has computed a token. Being busy makes nobody
 * unready, being about to stop does, and so does a model whose file is damaged; no check waits for
 * a lock that the engine holds. The process is live as long as it answers and no error has ended
 * its engine.
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
  HealthCheck started() {
    return () -> model(served.isReady());
  }

  @Produces
  @Singleton
  @Readiness
  HealthCheck ready() {
    return () -> model(served.isReady() && !served.watch().isDamaged() && !drain.hasBegun());
  }

  @Produces
  @Singleton
  @Liveness
  HealthCheck live() {
    return () -> HealthCheckResponse.builder().name("engine").status(!served.hasFailed()).build();
  }

  private static HealthCheckResponse model(boolean isUp) {
    return HealthCheckResponse.builder().name("model").status(isUp).build();
  }
}
