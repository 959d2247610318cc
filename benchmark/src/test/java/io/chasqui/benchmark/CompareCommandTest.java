package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands that read records: their exit codes, and the files that are meant. */
class CompareCommandTest {
  @TempDir Path directory;

  private Path record(String name, String scenario, double steps) throws IOException {
    var here = new Environment(Instant.EPOCH, "c", "cpu", 1, 1, 1, "os", "jvm");
    Path file = directory.resolve(name);
    Files.createDirectories(file.getParent());
    return Files.writeString(
        file,
        Results.begin(scenario, 1, here)
            .subject(Subject.of("jvm", "JVM"))
            .add("group", Quantity.exact("steps"), "jvm", steps)
            .build()
            .json());
  }

  private static int compare(Path before, Path after) {
    return CompareCommand.commandLine().execute(before.toString(), after.toString());
  }

  @Test
  void aChangeForTheWorseIsAnExitCode() throws IOException {
    Path old = record("old.json", "counts", 7);

    assertEquals(0, compare(old, record("same.json", "counts", 7)));
    assertEquals(1, compare(old, record("other.json", "counts", 8)));
  }

  @Test
  void directoriesAreComparedScenarioByScenario() throws IOException {
    record("a/counts.json", "counts", 7);
    record("a/model.json", "model", 1);
    record("b/other-name.json", "counts", 7);

    assertEquals(0, compare(directory.resolve("a"), directory.resolve("b")));
  }

  @Test
  void ofTwoRunsOfABenchmarkThoseOfOneNameAreCompared() throws IOException {
    record("a/small.json", "serve", 7);
    record("a/large.json", "serve", 1);
    record("b/small.json", "serve", 7);
    record("b/large.json", "serve", 1);
    record("c/large.json", "serve", 2);

    assertEquals(0, compare(directory.resolve("a"), directory.resolve("b")));
    assertEquals(1, compare(directory.resolve("a"), directory.resolve("c")));
    record("c/large.json", "serve", 1);
    assertEquals(0, compare(directory.resolve("a"), directory.resolve("c")));
  }

  @Test
  void nothingInCommonIsAnError() throws IOException {
    assertEquals(2, compare(record("a.json", "counts", 1), record("b.json", "model", 1)));
    assertEquals(2, compare(directory, directory.resolve("missing.json")));
  }

  @Test
  void aReportOfADirectoryHasAllItsRecords() throws IOException {
    record("all/counts.json", "counts", 7);
    record("all/model.json", "model", 1);
    Path page = directory.resolve("page.html");
    Path csv = directory.resolve("values.csv");

    assertEquals(
        0,
        ReportCommand.commandLine()
            .execute(
                directory.resolve("all").toString(),
                "--page",
                page.toString(),
                "--csv",
                csv.toString()));
    assertTrue(Files.readString(page).contains("<h2 id=\"model\">"));
    assertEquals(3, Files.readAllLines(csv).size());
  }
}
