package io.chasqui.ops;

import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;
import org.eclipse.microprofile.health.Startup;

/**
 * Started and ready mean: the model is loaded and has computed a token. Being busy makes nobody
 * unready, and no check waits for a lock that the engine holds. The process is live as long as it
 * answers.
 */
@Singleton
class HealthChecks {
  private final ServedModel served;

  HealthChecks(ServedModel served) {
    this.served = served;
  }

  @Produces
  @Singleton
  @Startup
  HealthCheck started() {
    return this::model;
  }

  @Produces
  @Singleton
  @Readiness
  HealthCheck ready() {
    return this::model;
  }

  private HealthCheckResponse model() {
    return HealthCheckResponse.builder().name("model").status(served.isReady()).build();
  }
}
