package io.chasqui.benchmark.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryBenchTest {
  @ParameterizedTest
  @CsvSource({"1, true", "1.049, true", "0.951, true", "1.051, false", "0.949, false"})
  void anEstimateMayBeOffByFivePercent(double ratio, boolean isClose) {
    assertEquals(isClose, MemoryBench.isClose(ratio));
  }
}
