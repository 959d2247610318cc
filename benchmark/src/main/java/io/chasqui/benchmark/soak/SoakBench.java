package io.chasqui.benchmark.soak;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.servers.PeerDirectory;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.benchmark.servers.Servers.Weights;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/**
 * Loads a server for a long time with requests of all kinds and tells what has drifted: latency,
 * memory, open files, threads, KV blocks. Exits with 1 if something has by more than it may.
 */
@Command(
    name = "chasqui bench soak",
    description = "Loads a server for a long time and fails if something drifts.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class SoakBench implements Callable<Integer> {
  private static final Duration SHORTEST = Duration.ofSeconds(30);

  /** So that the prompts that fill a context do not become the whole load. */
  private static final int MOST_POSITIONS = 1024;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "a packed model (default: the demo model)")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--variant",
      paramLabel = "NAME",
      description = "what to start: jvm, aot or native (default: aot if it is there, or else jvm)")
  private Optional<Variant> variant = Optional.empty();

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      converter = Time.class,
      description =
          "how long, as 90s, 10m or 2h, of which the first fifth is warm-up (default: 10m)")
  private Duration duration = Duration.ofMinutes(10);

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "clients, each with one request at a time (default: ${DEFAULT-VALUE})")
  private int streams = 8;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "of all requests (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Mixin private ResultOptions output = new ResultOptions();

  /** Reads {@code 90s}, {@code 10m}, {@code 2h} and {@code 1h30m}. */
  static final class Time implements ITypeConverter<Duration> {
    @Override
    public Duration convert(String text) {
      try {
        return Duration.parse("PT" + text);
      } catch (DateTimeParseException e) {
        throw new TypeConversionException("'%s' is no time such as 90s, 10m or 2h".formatted(text));
      }
    }
  }

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new SoakBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (streams < 1 || duration.compareTo(SHORTEST) < 0) {
      throw new IllegalArgumentException("--streams must be at least 1, --duration at least 30s");
    }
    if (variant.equals(Optional.of(Variant.LLAMA_CPP))) {
      throw new IllegalArgumentException("only Chasqui is soaked: ask for jvm, aot or native");
    }
    Path root = Path.of(System.getProperty("chasqui.root"));
    // The server's output has its place beside the program.
    var directory = new PeerDirectory(root.resolve("target"));
    var servers = new Servers(root, directory, CpuLimit.processors());
    Variant present =
        servers
            .present(variant.map(Set::of).orElse(Set.of()), EnumSet.of(servers.jvm()))
            .getFirst();
    try (PackedModel model = Servers.open(file)) {
      return soak(servers, present, model) ? 0 : 1;
    }
  }

  private boolean soak(Servers servers, Variant present, PackedModel model)
      throws IOException, InterruptedException {
    Results.Builder results =
        Results.begin("soak", seed, Machine.environment())
            .option("duration", duration)
            .option("streams", streams);
    int context = Math.min(MOST_POSITIONS, Decoder.maxContext(model.config()));
    Path log = servers.peers().log("soak-" + present);
    tell("start of %s; its output goes to %s".formatted(present, log));
    try (var server =
        new Server(servers.chasqui(present, file.map(Path::toAbsolutePath), context, log))) {
      server.awaitHealthy();
      results.subject(
          servers.describe(
              present.subject(present.toString()),
              present,
              Weights.of(Servers.name(file), model),
              server));
      var soak = new Soak(server, model.tokenizer(), streams, seed);
      SoakDrift drift = soak.run(duration, SoakBench::tell);
      var added = new SoakResults(results, present.toString());
      added.addWarmUp(soak.warmUp());
      added.addCounted(soak.counted());
      added.addRest(soak.before(), soak.after());
      added.addDrift(drift);
      results.note("%d requests were answered as asked.".formatted(soak.answered()));
      output.tell(results.build(), System.out);
      drift.beyond().forEach(each -> tell(each.sentence()));
      return drift.beyond().isEmpty();
    }
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
