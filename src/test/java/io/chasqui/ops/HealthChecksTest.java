package io.chasqui.ops;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.junit.jupiter.api.Test;

class HealthChecksTest {
  @Test
  void aModelThatIsStillLoadingIsNeitherStartedNorReady() {
    try (var model = new LentModel("loading", 1, Duration.ofSeconds(30))) {
      HealthChecks health = model.health();

      assertEquals(Status.DOWN, health.started().call().getStatus());
      assertEquals(Status.DOWN, health.ready().call().getStatus());

      model.letLoad();
      model.engine();
      assertEquals(Status.UP, health.started().call().getStatus());
      assertEquals(Status.UP, health.ready().call().getStatus());
    }
  }
}
