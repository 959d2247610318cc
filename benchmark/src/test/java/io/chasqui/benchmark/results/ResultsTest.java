package io.chasqui.benchmark.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run becomes one record, and tables that begin with the ratios. */
class ResultsTest {
  private static final Quantity SPEED = Quantity.higher("decode", "tokens/s", 1);
  private static final Quantity WAIT = Quantity.lower("TTFT, median", "ms", 0);

  @TempDir Path directory;

  static Environment environment() {
    return new Environment(
        Instant.parse("2026-01-02T03:04:05Z"),
        "abc1234",
        "a processor",
        2,
        8_000_000_000L,
        20_000_000_000L,
        "Linux 6",
        "Temurin 25");
  }

  private static Results results() {
    var run = Results.begin("serve", 7, environment()).option("rate", "1,2");
    run.subject(Subject.of("aot", "JVM").on("25", "avx2", 2).with("m", "d1", 5, "Q4", "f16"));
    run.subject(Subject.of("llama-cpp", "llama-server").asBaseline());
    for (double value : new double[] {30, 10, 20}) {
      run.add("4 streams", SPEED, "aot", value);
      run.add("4 streams", SPEED, "llama-cpp", value / 2);
    }
    run.add("by rate", WAIT, "aot", 1, 100).add("by rate", WAIT, "aot", 2.5, 400);
    return run.note("Clients and servers share the processors.").build();
  }

  @Test
  void aRecordIsReadAsItWasWritten() throws IOException {
    Path file = directory.resolve("run.json");
    Files.writeString(file, results().json());

    assertEquals(results(), Results.read(file));
  }

  @Test
  void whatIsNoRecordOrOneOfAnotherFormatIsRefusedByItsName() throws IOException {
    Path file = directory.resolve("other.json");
    for (String content :
        List.of("[]", "{", results().json().replace("\"format\" : 1", "\"format\" : 2"))) {
      Files.writeString(file, content);
      IOException refused = assertThrows(IOException.class, () -> Results.read(file));
      assertTrue(refused.getMessage().startsWith(file.toString()), refused.getMessage());
    }
  }

  @Test
  void tablesBeginWithRatiosWithinARound() {
    List<String> lines = new Tables(results()).markdown();

    assertEquals(
        List.of(
            "| 4 streams | JVM ÷ llama-server | JVM | llama-server |",
            "|---|---|---|---|",
            "| decode, tokens/s | ×2.00 (2.00–2.00) | 20.0 (10.0–30.0) | 10.0 (5.0–15.0) |",
            "",
            "| by rate | JVM |",
            "|---|---|",
            "| 1: TTFT, median, ms | 100 |",
            "| 2.50: TTFT, median, ms | 400 |",
            "",
            "Clients and servers share the processors."),
        lines.subList(0, 10));
    assertTrue(lines.get(11).contains("seed 7"), lines.get(11));
  }

  @Test
  void severalQuantitiesOfOneSubjectHaveARowForEachPlace() {
    var run = Results.begin("soak", 1, environment()).subject(Subject.of("aot", "JVM"));
    for (double minute : new double[] {1, 2.5}) {
      run.add("at minutes", WAIT, "aot", minute, 100 * minute);
    }
    run.add("at minutes", SPEED, "aot", 2.5, 7);

    assertEquals(
        List.of(
            "| at minutes | TTFT, median, ms | decode, tokens/s |",
            "|---|---|---|",
            "| 1 | 100 |  |",
            "| 2.50 | 250 | 7.0 |"),
        new Tables(run.build()).markdown().subList(0, 4));
  }

  @Test
  void aSpreadsheetGetsEachValueInALineOfItsOwn() {
    List<String> lines = Tables.csv(List.of(new KeptRun("serve", results())));

    assertEquals("run,group,quantity,unit,subject,at,repetition,value", lines.getFirst());
    assertEquals("serve,\"4 streams\",decode,\"tokens/s\",aot,,1,30.0", lines.get(1));
    assertEquals("serve,\"by rate\",\"TTFT, median\",ms,aot,2.5,1,400.0", lines.getLast());
  }

  @Test
  void aValueThatIsNoNumberIsRefused() {
    var run = Results.begin("serve", 1, environment()).add("group", SPEED, "aot", Double.NaN);

    assertThrows(IllegalArgumentException.class, run::build);
  }

  @Test
  void theMedianOfAnEvenNumberIsBetweenTheMiddleTwo() {
    assertEquals(2.5, Measurement.median(List.of(9.0, 1.0, 2.0, 3.0)));
    assertEquals(3.0, Measurement.median(List.of(9.0, 1.0, 3.0)));
  }

  @Test
  void subjectsThatAreTheSameProgramAreDescribedTogether() {
    var run = Results.begin("abuse", 1, environment());
    for (String id : List.of("alone", "beside")) {
      run.subject(Subject.of(id, id).on("Temurin 25", "avx2", 2));
    }
    run.subject(Subject.of("other", "other").on("native", "avx2", 2));

    assertEquals(
        List.of(
            "alone, beside: Temurin 25, kernels avx2, 2 threads",
            "other: native, kernels avx2, 2 threads"),
        new Tables(run.build()).subjects());
  }
}
