package io.chasqui.benchmark;

import io.chasqui.benchmark.results.Report;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Tables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a page of records. */
@Command(
    name = "chasqui bench report",
    description = "Makes one page with tables and charts of the records that --record has kept.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ReportCommand implements Callable<Integer> {
  private static final String RECORD = ".json";

  @Parameters(
      arity = "1..*",
      paramLabel = "RECORD",
      description = "files, or directories of which all *.json are meant")
  private List<Path> records = List.of();

  @Option(
      names = "--page",
      paramLabel = "FILE",
      description = "the page, of HTML that needs nothing else (default: ${DEFAULT-VALUE})")
  private Path page = Path.of("report.html");

  @Option(names = "--csv", paramLabel = "FILE", description = "all values, for a spreadsheet")
  private Optional<Path> csv = Optional.empty();

  /** Runs the command line. */
  public static void main(String... args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new ReportCommand());
  }

  @Override
  public Integer call() throws IOException {
    List<Results> runs = read(records);
    Files.writeString(page, new Report(runs).html());
    if (csv.isPresent()) {
      Files.write(csv.get(), Tables.csv(runs));
    }
    System.out.println(page);
    return 0;
  }

  /**
   * The records that are meant, in the order of their names where a directory is.
   *
   * @throws IOException if a directory has none, or one cannot be read
   */
  static List<Results> read(List<Path> records) throws IOException {
    List<Results> runs = new ArrayList<>();
    for (Path file : files(records)) {
      runs.add(Results.read(file));
    }
    return runs;
  }

  private static List<Path> files(List<Path> records) throws IOException {
    List<Path> files = new ArrayList<>();
    for (Path each : records) {
      if (!Files.isDirectory(each)) {
        files.add(each);
        continue;
      }
      try (Stream<Path> inside = Files.list(each)) {
        List<Path> found =
            inside.filter(file -> file.toString().endsWith(RECORD)).sorted().toList();
        if (found.isEmpty()) {
          throw new IOException("there is no record, no *.json, in " + each);
        }
        files.addAll(found);
      }
    }
    return files;
  }
}
