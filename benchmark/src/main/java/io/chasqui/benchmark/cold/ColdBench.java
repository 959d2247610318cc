package io.chasqui.benchmark.cold;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.PeerDirectory;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.benchmark.servers.Servers.Model;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.model.CpuLimit;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures cold starts: how long it takes from the start of a server's process until its port is
 * open, until it is ready, and until the first token of a request that was sent as soon as the port
 * was open; and how much memory it has then. Chasqui on the JVM, with and without an AOT cache, and
 * as native executable, and llama-server on the same weights, each in its turn in each round. A
 * first round, which is not counted, warms up this process: its client, its parser, its loops.
 */
@Command(
    name = "chasqui bench cold",
    description = "Measures cold starts beside llama-server.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class ColdBench implements Callable<Integer> {
  @Parameters(paramLabel = "DIRECTORY", description = "what benchmark/peers/setup has made")
  private Path directory;

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each has its turn (default: ${DEFAULT-VALUE})")
  private int rounds = 10;

  @Option(
      names = "--variants",
      split = ",",
      paramLabel = "NAME",
      description = "what to start: ${COMPLETION-CANDIDATES} (default: all that are there)")
  private Set<Variant> variants = Set.of();

  @Option(
      names = "--models",
      split = ",",
      paramLabel = "NAME",
      description = "what to serve: ${COMPLETION-CANDIDATES} (default: both)")
  private Set<Model> models = EnumSet.allOf(Model.class);

  @Option(
      names = "--page-cache",
      split = ",",
      paramLabel = "STATE",
      description =
          "whether the kernel has the files in memory: ${COMPLETION-CANDIDATES} (default: both)")
  private Set<PageCache> pageCaches = EnumSet.allOf(PageCache.class);

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new ColdBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1) {
      throw new IllegalArgumentException("--rounds must be at least 1");
    }
    Path root = Path.of(System.getProperty("chasqui.root"));
    var servers = new Servers(root, new PeerDirectory(directory), CpuLimit.processors());
    List<Variant> present = servers.present(variants, EnumSet.allOf(Variant.class));
    List<Turn> turns = turns(pageCaches, present);
    if (turns.isEmpty()) {
      throw new IllegalArgumentException("llama-server has no demo model: ask for another variant");
    }
    Map<Model, ColdStarts> starts = new EnumMap<>(Model.class);
    for (Model model : models) {
      try (PackedModel packed = servers.open(model)) {
        starts.put(model, new ColdStarts(servers, model, packed));
      }
    }
    Results.Builder results =
        Results.begin("cold", CompletionStream.SEED, Machine.environment())
            .option("rounds", rounds);
    for (Turn turn : turns(Set.of(PageCache.WARM), present)) {
      tell("warm-up", turn);
      starts.get(turn.model()).measure(turn.variant(), PageCache.WARM);
    }
    for (int round = 1; round <= rounds; round++) {
      for (Turn turn : turns) {
        tell("round %d of %d".formatted(round, rounds), turn);
        ColdStarts.Result result =
            starts.get(turn.model()).measure(turn.variant(), turn.pageCache());
        results.subject(result.subject());
        result
            .numbers()
            .forEach((quantity, number) ->
                results.add(turn.group(), quantity, result.subject().id(), number));
      }
    }
    output.tell(results.build(), System.out);
    return 0;
  }

  /** A variant's part of a round. */
  private record Turn(Model model, PageCache pageCache, Variant variant) {
    String group() {
      return "%s, page cache %s".formatted(model.title, pageCache);
    }
  }

  private List<Turn> turns(Set<PageCache> pageCaches, List<Variant> variants) {
    List<Turn> turns = new ArrayList<>();
    for (PageCache pageCache : pageCaches) {
      for (Model model : models) {
        variants.stream()
            .filter(variant -> Servers.has(variant, model))
            .forEach(variant -> turns.add(new Turn(model, pageCache, variant)));
      }
    }
    return turns;
  }

  private static void tell(String stage, Turn turn) {
    System.err.println("chasqui: %s: %s, %s".formatted(stage, turn.group(), turn.variant()));
  }
}
