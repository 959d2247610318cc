package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.engine.FinishReason;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.Timings;
import io.chasqui.engine.Usage;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class ApiExceptionTest {
  @Test
  void anAnswerWhoseTimeWasUpIsOneIfItHasATokenHoweverManyWereComputed() {
    ApiException failure = ApiException.of(late(0)).orElseThrow();

    assertEquals(429, failure.status());
    assertEquals("deadline_exceeded", failure.body().error().code());
    assertTrue(ApiException.of(late(1)).isEmpty());
  }

  private static Finished late(int published) {
    return new Finished(
        FinishReason.DEADLINE,
        published,
        new Usage(3, 40),
        new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO));
  }
}
