package io.chasqui.benchmark.results;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** How a benchmark tells what it has measured: options that all of them have. */
public final class ResultOptions {
  /** A way to print results. */
  public enum Format {
    MD,
    CSV,
    JSON
  }

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "md, csv or json (default: md)")
  private Format format = Format.MD;

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description = "keeps the run as a record of JSON, for report and compare")
  private Optional<Path> record = Optional.empty();

  /**
   * Prints a run, and keeps it if that is wanted.
   *
   * @throws IOException if it cannot be kept
   */
  public void tell(Results results, PrintStream out) throws IOException {
    switch (format) {
      case MD -> new Tables(results).markdown().forEach(out::println);
      case CSV ->
          Tables.csv(List.of(new KeptRun(results.scenario(), results))).forEach(out::println);
      case JSON -> out.print(results.json());
    }
    if (record.isPresent()) {
      results.write(record.get());
    }
  }
}
