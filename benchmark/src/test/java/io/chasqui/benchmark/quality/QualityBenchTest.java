package io.chasqui.benchmark.quality;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.TinyModels;
import io.chasqui.benchmark.quantizations.QuantizationBench;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.DType;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class QualityBenchTest {
  @TempDir Path directory;

  private Path text;
  private Path tasks;
  private Path record;

  @BeforeEach
  void writeFiles() throws IOException {
    text = Files.writeString(directory.resolve("text.txt"), "A llama carries the mail home. ");
    tasks =
        Files.writeString(
            directory.resolve("plain.jsonl"),
            """
            {"prompt": "1 +", "choices": [" 1", " 2"], "answer": 1}
            {"prompt": "A", "answer": "B"}
            """);
    record = directory.resolve("record.json");
  }

  private static int run(CommandLine command, StringWriter errors, Stream<Object> args) {
    return command
        .setErr(new PrintWriter(errors, true))
        .execute(args.map(Object::toString).toArray(String[]::new));
  }

  private Results measure(CommandLine command, Object... args) throws IOException {
    var errors = new StringWriter();
    Stream<Object> files =
        Stream.of("--text=" + text, "--tasks=" + tasks, "--record=" + record, "--output=csv");
    int exit = run(command, errors, Stream.concat(Stream.of(args), files));
    assertEquals(0, exit, errors.toString());
    return Results.read(record);
  }

  private static double value(Results results, String subject, String quantity) {
    return measurement(results, subject, quantity).median();
  }

  private static Measurement measurement(Results results, String subject, String quantity) {
    return results.measurements().stream()
        .filter(each -> each.subject().equals(subject))
        .filter(each -> each.quantity().name().equals(quantity))
        .findFirst()
        .orElseThrow(() -> new AssertionError(subject + " has no " + quantity));
  }

  @Test
  void theFirstModelInF32IsTheReferenceAndTheNumbersAreTheSameEachTime() throws IOException {
    String source = TinyModels.source(directory).toString();
    String q4 = TinyModels.pack(source, directory, DType.Q4).toString();
    String f32 = TinyModels.pack(source, directory, DType.F32).toString();

    Results results = measure(QualityBench.commandLine(), q4, f32);

    assertEquals(100, value(results, f32, "same choice as the reference"));
    assertEquals(0, value(results, f32, "divergence from the reference"));
    assertTrue(value(results, q4, "divergence from the reference") > 0);
    assertEquals(1, measurement(results, q4, "plain, of 1 answers exact").values().size());
    assertEquals(
        results.measurements(), measure(QualityBench.commandLine(), q4, f32).measurements());
  }

  @Test
  void theBuiltInModelIsComparedWithItsOwnWeightsInF32() throws IOException {
    Results results = measure(QualityBench.commandLine(), "demo");

    assertTrue(value(results, "demo", "divergence from the reference") > 0);
    assertTrue(value(results, "demo", "divergence from the reference") < 0.001);
  }

  @Test
  void whatCannotBeMeasuredIsOneLine() {
    for (List<Object> args :
        List.<List<Object>>of(
            List.of(directory.resolve("none.chasqui")),
            List.of("demo", "--text=" + directory.resolve("none.txt")),
            List.of("demo", "--text=" + text, "--tasks=" + text),
            List.of("demo", "--tokens=0"))) {
      var errors = new StringWriter();
      assertEquals(2, run(QualityBench.commandLine(), errors, args.stream()), args.toString());
      assertEquals(1, errors.toString().lines().count(), errors.toString());
    }
  }

  @Test
  void typesAreComparedInSpeedMemoryAndQuality() throws IOException {
    Results results =
        measure(
            QuantizationBench.commandLine(),
            TinyModels.source(directory),
            "--types=q8,f32",
            "-p=16",
            "-n=8",
            "-r=2",
            "--batches=1,3",
            "--depths=0,20");

    for (String type : List.of("q8", "f32")) {
      assertEquals(2, measurement(results, type, "prefill of 16").values().size());
      assertEquals(2, measurement(results, type, "decode of 8").values().size());
      for (String group : List.of("Sequences at once", "Depth")) {
        assertEquals(
            List.of(2, 2),
            results.measurements().stream()
                .filter(each -> each.group().equals(group) && each.subject().equals(type))
                .map(each -> each.values().size())
                .toList());
      }
    }
    // Embedding; per layer norms, queries and outputs, keys and values, feed-forward; last norm.
    int norms = 5 * 64;
    int matrices = 304 * 64 + 2 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 96 * 64);
    // Keys and values of both layers in half precision, of 3.5 positions in the mean.
    double kv = 3.5 * 2 * 2 * 32 * 2;
    assertEquals(4 * (matrices + norms) + kv, 1e6 * value(results, "f32", "a token reads"), 64);
    assertEquals(
        matrices * 34 / 32 + 4 * norms + kv, 1e6 * value(results, "q8", "a token reads"), 64);
    assertEquals(100, value(results, "f32", "same choice as the reference"));
    assertTrue(value(results, "q8", "divergence from the reference") > 0);
    assertTrue(
        results.notes().stream().anyMatch(note -> note.startsWith("Q8 ÷ F32: a token reads ×0.2")));
  }

  @Test
  void aDepthThatTheModelDoesNotHaveIsRefused() {
    var errors = new StringWriter();
    Stream<Object> args =
        Stream.of(TinyModels.source(directory), "-n=8", "--depths=60", "--text=" + text);

    assertEquals(2, run(QuantizationBench.commandLine(), errors, args));
    assertEquals(
        "chasqui: 8 tokens at a depth of 60 need more than the model's context of 64",
        errors.toString().strip());
  }
}
