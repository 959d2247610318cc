package io.chasqui.ops;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class HealthChecksTest {
  @Test
  void aModelThatIsStillLoadingIsNeitherStartedNorReady() {
    try (var model = new LentModel("loading", 1, Duration.ofSeconds(30))) {
      HealthChecks health = model.health();

      assertFalse(LentModel.isUp(health.started()));
      assertFalse(LentModel.isUp(health.ready()));

      model.letLoad();
      model.engine();
      assertTrue(LentModel.isUp(health.started()));
      assertTrue(LentModel.isUp(health.ready()));
    }
  }
}
