package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class AutoscalingBenchTest {
  @ParameterizedTest
  @CsvSource({
    "--slots 0, --slots must be above 0",
    "--peak -1, --peak must be above 0",
    "--cold-starts 0, --cold-starts must be above 0",
    "--answer 0, --prompt and --answer must be at least 1 token",
    "--times nowhere.json, nowhere.json",
    "--calibrate http://localhost:1, --calibrate needs --model",
    "--calibrate localhost --model m --times t, takes a URL",
    "--rates many, is not a double",
  })
  void aMistakeIsToldInOneLine(String arguments, String expected) {
    CommandLine line = AutoscalingBench.commandLine();
    var err = new StringWriter();
    line.setErr(new PrintWriter(err, true));

    assertEquals(2, line.execute(arguments.split(" ")));

    List<String> lines = err.toString().lines().toList();
    assertEquals(1, lines.size(), err.toString());
    assertTrue(lines.getFirst().contains(expected), err.toString());
  }
}
