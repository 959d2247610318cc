package io.chasqui.benchmark;

import io.chasqui.benchmark.results.Changes;
import io.chasqui.benchmark.results.Changes.Change;
import io.chasqui.benchmark.results.Changes.Verdict;
import io.chasqui.benchmark.results.KeptRun;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Tells what became worse. */
@Command(
    name = "chasqui bench compare",
    description = {
      "Tells what became better or worse beyond noise from one run to another.",
      "Exits with 1 if something became worse, or a count is another one."
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class CompareCommand implements Callable<Integer> {
  private static final Set<Verdict> BAD = EnumSet.of(Verdict.WORSE, Verdict.OTHER, Verdict.GONE);

  @Parameters(index = "0", paramLabel = "OLD", description = "a record, or a directory of records")
  private Path before;

  @Parameters(index = "1", paramLabel = "NEW", description = "the same, later")
  private Path after;

  @Option(names = "--all", description = "tells what stayed the same, too")
  private boolean all;

  /** Runs the command line. */
  public static void main(String... args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new CompareCommand());
  }

  @Override
  public Integer call() throws IOException {
    List<KeptRun> old = KeptRun.read(before);
    List<KeptRun> now = KeptRun.read(after);
    boolean isBad = false;
    boolean isAnyCompared = false;
    for (KeptRun each : old) {
      Optional<KeptRun> later = later(each, old, now);
      if (later.isPresent()) {
        isAnyCompared = true;
        isBad |= tell(new Changes(each.results(), later.get().results()));
      }
    }
    if (!isAnyCompared) {
      throw new IOException("there is no benchmark of which both have a run");
    }
    return isBad ? 1 : 0;
  }

  /** The run of the same benchmark and name; of any name where both have a single one of it. */
  private static Optional<KeptRun> later(KeptRun run, List<KeptRun> old, List<KeptRun> now) {
    List<KeptRun> same = sameBenchmark(run, now);
    return same.stream()
        .filter(each -> each.name().equals(run.name()))
        .findAny()
        .or(() ->
            same.size() == 1 && sameBenchmark(run, old).size() == 1
                ? Optional.of(same.getFirst())
                : Optional.empty());
  }

  private static List<KeptRun> sameBenchmark(KeptRun run, List<KeptRun> runs) {
    return runs.stream()
        .filter(each -> each.results().scenario().equals(run.results().scenario()))
        .toList();
  }

  private boolean tell(Changes changes) {
    boolean isBad = false;
    for (Change change : changes.all()) {
      isBad |= BAD.contains(change.verdict());
      if (all || change.verdict() != Verdict.SAME) {
        System.out.printf(
            Locale.ROOT,
            "%-12s %s: %s%n",
            change.verdict().name().toLowerCase(Locale.ROOT),
            change.title(),
            change.text());
      }
    }
    return isBad;
  }
}
