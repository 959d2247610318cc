package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.autoscaling.PodAutoscaler.Decision;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** The rules of Knative Serving's {@code scaler.go}. */
class PodScalerTest {
  private static final Scaling PROXIED = Scaling.defaults(10).withTargetBurstCapacity(-1);
  private static final Scaling DIRECT = Scaling.defaults(10).withTargetBurstCapacity(0);

  @Test
  void whatIsWantedIsKeptWithinItsBounds() {
    var scaler = new PodScaler(DIRECT.withPods(2, 2, 5));

    assertEquals(OptionalInt.of(2), scaler.scale(0, new Decision(0, 0), 2));
    assertEquals(OptionalInt.of(3), scaler.scale(2, new Decision(3, 0), 2));
    assertEquals(OptionalInt.of(5), scaler.scale(4, new Decision(9, 0), 3));
  }

  @Test
  void theLastPodIsReadyForAWindowAtLeast() {
    var scaler = new PodScaler(PROXIED);
    scaler.scale(0, new Decision(1, -1), 0);

    assertEquals(OptionalInt.of(1), scaler.scale(40, new Decision(0, -1), 1));
    assertEquals(OptionalInt.of(1), scaler.scale(98, new Decision(0, -1), 1));
    assertEquals(OptionalInt.of(0), scaler.scale(100, new Decision(0, -1), 1));
  }

  @Test
  void theActivatorIsInThePathForTheGracePeriodBeforeTheLastPodGoes() {
    var scaler = new PodScaler(DIRECT.withPods(1, 0, 0));
    scaler.scale(0, new Decision(1, 0), 1);
    assertFalse(scaler.isProxied());

    assertEquals(OptionalInt.empty(), scaler.scale(100, new Decision(0, 0), 1));
    assertTrue(scaler.isProxied());
    assertEquals(OptionalInt.empty(), scaler.scale(128, new Decision(0, 0), 1));

    assertEquals(OptionalInt.of(0), scaler.scale(130, new Decision(0, 0), 1));
  }

  @Test
  void aRequestEndsTheGracePeriod() {
    var scaler = new PodScaler(DIRECT.withPods(1, 0, 0));
    scaler.scale(0, new Decision(1, 0), 1);
    scaler.scale(100, new Decision(0, 0), 1);
    assertEquals(OptionalInt.of(1), scaler.scale(110, new Decision(1, 0), 1));
    assertFalse(scaler.isProxied());

    assertEquals(OptionalInt.empty(), scaler.scale(170, new Decision(0, 0), 1));
    assertEquals(OptionalInt.empty(), scaler.scale(198, new Decision(0, 0), 1));
    assertEquals(OptionalInt.of(0), scaler.scale(200, new Decision(0, 0), 1));
  }

  @Test
  void theLastPodIsRetained() {
    var scaler = new PodScaler(PROXIED.withDelays(0, 90).withPods(1, 0, 0));
    scaler.scale(0, new Decision(1, -1), 1);

    assertEquals(OptionalInt.of(1), scaler.scale(100, new Decision(0, -1), 1));
    assertEquals(OptionalInt.of(1), scaler.scale(188, new Decision(0, -1), 1));
    assertEquals(OptionalInt.of(0), scaler.scale(190, new Decision(0, -1), 1));
  }

  @Test
  void withoutRoomForABurstTheActivatorIsInThePath() {
    var scaler = new PodScaler(Scaling.defaults(10).withPods(1, 0, 0));
    assertTrue(scaler.isProxied());

    scaler.scale(2, new Decision(30, 5), 30);
    assertFalse(scaler.isProxied());

    scaler.scale(4, new Decision(30, -5), 30);
    assertTrue(scaler.isProxied());
  }
}
