package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A wait is computed from what the last answers took. */
class ForecastTest {
  private final Forecast forecast = new Forecast(4);

  @Test
  void nobodyIsHeldToWhatIsNotMeasured() {
    assertEquals(Duration.ZERO, forecast.firstToken(8, 1000));
    assertEquals(Duration.ofSeconds(2), forecast.turn(8));
  }

  @Test
  void aSlotBecomesFreeAsOftenAsAnswersEnd() {
    forecast.answered(10);

    assertEquals(Duration.ofSeconds(5), forecast.turn(2));
    assertEquals(Duration.ofSeconds(5), forecast.firstToken(2, 1000));
  }

  @Test
  void aPromptTakesAsLongAsPromptsOfItsLengthDid() {
    forecast.prefilled(100, 2);

    assertEquals(Duration.ofSeconds(20), forecast.firstToken(0, 1000));
  }

  @Test
  void whatIsMeasuredLastCountsMost() {
    forecast.answered(10);
    for (int i = 0; i < 30; i++) {
      forecast.answered(2);
    }

    assertEquals(2, forecast.turn(4).toNanos() / 1e9, 0.05);
  }

  @Test
  void clientsAreToldWholeSecondsOfAtLeastOne() {
    assertEquals(1, Forecast.retryAfter(Duration.ZERO).toSeconds());
    assertEquals(1, Forecast.retryAfter(Duration.ofSeconds(-5)).toSeconds());
    assertEquals(3, Forecast.retryAfter(Duration.ofMillis(2001)).toSeconds());
    assertEquals(600, Forecast.retryAfter(Duration.ofDays(1)).toSeconds());
  }
}
