package io.chasqui.benchmark.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.KvLayout;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ModelBenchTest {
  private static List<ModelTest> tests(String options) {
    CommandLine line = ModelBench.commandLine();
    line.parseArgs(("-m a.chasqui -t 1 " + options).split(" "));
    return ((ModelBench) line.getCommand()).tests();
  }

  private static List<String> names(String options) {
    return tests(options).stream().map(ModelTest::name).toList();
  }

  @Test
  void theDefaultsAreThoseOfLlamaBench() {
    assertEquals(List.of("pp512", "tg128"), names("-r 5"));
    ModelTest prompt = tests("-r 5").getFirst();
    assertEquals(2048, prompt.batch());
    assertEquals(512, prompt.ubatch());
    assertEquals(KvLayout.Type.F16, prompt.kvType());
  }

  /** The order of the rows is what llama-bench prints for these options. */
  @Test
  void listsAndRepeatedOptionsMultiply() {
    assertEquals(
        List.of("pp4", "pp8", "pp8+tg4", "pp4 @ d32", "pp8 @ d32", "pp8+tg4 @ d32"),
        names("-p 4 -n 0 -p 8 -d 0,32 -pg 8,4"));
    assertEquals(
        List.of(2, 2, 3, 3),
        tests("-p 1,2 -n 0 -t 2-3").stream().map(ModelTest::threads).skip(2).toList());
  }

  @Test
  void aStepIsNotLargerThanABatch() {
    assertEquals(32, tests("-b 32").getFirst().ubatch());
  }

  @Test
  void keysAndValuesHaveOneType() {
    List<ModelTest> tests = tests("-ctk i8 -ctv i8 -n 0");
    assertEquals(1, tests.size());
    assertEquals(KvLayout.Type.I8, tests.getFirst().kvType());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          -p 5                      | Missing required option: '--model=FILE'
          -m a -p x                 | -p: 'x' is neither a number nor a range
          -m a -t 0                 | -t: 0 is less than 1
          -m a -r 0                 | -r: 0 is less than 1
          -m a -r 1,2               | -r: '1,2' is not one number
          -m a -pg 5                | -pg: '5' is not two numbers
          -m a -o xml               | '--output'
          -m a -ctk q4              | '--cache-type'
          -m a --foo                | Unknown option: '--foo'
          -m no/such/file           | there is no such file: no/such/file
          """)
  void aMistakeIsOneLine(String options, String message) {
    var error = new StringWriter();
    CommandLine line = ModelBench.commandLine().setErr(new PrintWriter(error));

    assertEquals(2, line.execute(options.split(" ")));

    List<String> lines = error.toString().lines().toList();
    assertEquals(1, lines.size(), error.toString());
    assertTrue(lines.getFirst().contains(message), error.toString());
  }
}
