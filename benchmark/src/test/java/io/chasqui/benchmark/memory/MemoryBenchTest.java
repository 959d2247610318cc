package io.chasqui.benchmark.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MemoryBenchTest {
  @ParameterizedTest
  @CsvSource({"1, true", "1.049, true", "0.951, true", "1.051, false", "0.949, false"})
  void anEstimateMayBeOffByFivePercent(double ratio, boolean isClose) {
    assertEquals(isClose, MemoryBench.isClose(ratio));
  }

  @Test
  void eachContextHasRoomForAPromptAndItsAnswer() {
    var errors = new StringWriter();
    int status =
        MemoryBench.commandLine()
            .setErr(new PrintWriter(errors, true))
            .execute("models", "--context", "1024,16");
    assertEquals(2, status);
    assertEquals(
        "chasqui: --context must be above 16, --batch and --rounds at least 1\n",
        errors.toString());
  }
}
