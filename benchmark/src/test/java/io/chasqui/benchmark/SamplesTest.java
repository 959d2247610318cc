package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class SamplesTest {
  /** The times and the statistics of two tests as llama-bench has printed them. */
  @Test
  void theStatisticsAreThoseOfLlamaBench() {
    var prompt = new Samples(16, List.of(415408228L, 117416164L));
    assertEquals(266412196, prompt.meanNanos(), 1);
    assertEquals(210712209, prompt.deviationNanos(), 2);
    assertEquals(87.391884, prompt.meanSpeed(), 1e-6);
    assertEquals(69.120473, prompt.deviationSpeed(), 1e-6);

    var generation = new Samples(4, List.of(980741962L, 667953908L));
    assertEquals(824347935, generation.meanNanos(), 1);
    assertEquals(221174554, generation.deviationNanos(), 2);
    assertEquals(5.033491, generation.meanSpeed(), 1e-6);
    assertEquals(1.350498, generation.deviationSpeed(), 1e-6);
  }

  @Test
  void oneSampleHasNoDeviation() {
    var samples = new Samples(10, List.of(500_000_000L));
    assertEquals(List.of(20.0), samples.tokensPerSecond());
    assertEquals(20, samples.meanSpeed());
    assertEquals(0, samples.deviationSpeed());
    assertEquals(0, samples.deviationNanos());
  }
}
