package io.chasqui.benchmark;

import io.chasqui.benchmark.results.KeptRun;
import io.chasqui.benchmark.results.Report;
import io.chasqui.benchmark.results.Tables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
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
    List<KeptRun> runs = new ArrayList<>();
    for (Path each : records) {
      runs.addAll(KeptRun.read(each));
    }
    Files.writeString(page, new Report(runs).html());
    if (csv.isPresent()) {
      Files.write(csv.get(), Tables.csv(runs));
    }
    System.out.println(page);
    return 0;
  }
}
