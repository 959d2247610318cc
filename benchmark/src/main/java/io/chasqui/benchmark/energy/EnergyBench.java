package io.chasqui.benchmark.energy;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.servers.Launch;
import io.chasqui.benchmark.servers.PeerDirectory;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.benchmark.servers.Servers.Model;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.benchmark.servers.Servers.Weights;
import io.chasqui.model.CpuLimit;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures what a token costs: processor time of the server everywhere, joules where the machine
 * counts them. Each server has its turn in each round; those that wait take next to nothing.
 */
@Command(
    name = "chasqui bench energy",
    description = "Measures processor time and energy a token.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class EnergyBench implements Callable<Integer> {
  private static final int[] STREAMS = {1, 4, 16};
  private static final int SLOTS = 16;

  @Parameters(
      arity = "0..1",
      paramLabel = "DIRECTORY",
      description = "what benchmark/peers/setup has made: measures its model, llama-server beside")
  private Optional<Path> directory = Optional.empty();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "a packed model (default: DIRECTORY's, or else the demo model)")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = "--variants",
      split = ",",
      paramLabel = "NAME",
      description =
          "what to start: ${COMPLETION-CANDIDATES} (default: all that are there, of jvm and aot the"
              + " latter)")
  private Set<Variant> variants = Set.of();

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each has its turn (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "how long each measurement takes at least (default: ${DEFAULT-VALUE})")
  private double seconds = 3;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "of all prompts (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Mixin private ResultOptions output = new ResultOptions();

  private final Map<Variant, Server> running = new EnumMap<>(Variant.class);
  private Servers servers;
  private Results.Builder results;

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new EnergyBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1 || !(seconds > 0)) {
      throw new IllegalArgumentException("--rounds must be at least 1, --seconds above 0");
    }
    if (directory.isPresent() && file.isPresent()) {
      throw new IllegalArgumentException("DIRECTORY has a model: leave out --model, or it");
    }
    if (directory.isEmpty() && variants.contains(Variant.LLAMA_CPP)) {
      throw new IllegalArgumentException(
          "llama-server needs the DIRECTORY that benchmark/peers/setup has made");
    }
    Path root = Path.of(System.getProperty("chasqui.root"));
    // Without peers, the servers' output has its place beside the program.
    Path place = directory.orElse(root.resolve("target"));
    servers = new Servers(root, new PeerDirectory(place), CpuLimit.processors());
    List<Variant> present = servers.present(variants, usual());
    try (PackedModel model = open()) {
      results = Results.begin("energy", seed, Machine.environment()).option("seconds", seconds);
      measure(present, model);
      output.tell(results.build(), System.out);
    } finally {
      running.values().forEach(Server::close);
    }
    return 0;
  }

  private Set<Variant> usual() throws IOException {
    Set<Variant> usual = EnumSet.of(servers.jvm(), Variant.NATIVE);
    if (directory.isPresent()) {
      usual.add(Variant.LLAMA_CPP);
    }
    return usual;
  }

  private PackedModel open() {
    return directory.isPresent() ? servers.open(Model.PEER) : Servers.open(file);
  }

  private String name() {
    return directory.isPresent() ? servers.name(Model.PEER) : Servers.name(file);
  }

  private void measure(List<Variant> present, PackedModel model)
      throws IOException, InterruptedException {
    for (Variant variant : present) {
      tell("start of " + variant);
      Server server = new Server(launch(variant).with("CHASQUI_MAX_NUM_SEQS", "" + SLOTS));
      running.put(variant, server);
      server.awaitHealthy();
      results.subject(
          servers.describe(
              variant.subject(variant.toString()), variant, Weights.of(name(), model), server));
    }
    Rapl rapl = Rapl.at(Rapl.ROOT);
    rapl.missing().ifPresent(why -> note("No energy of processors: %s.".formatted(why)));
    try (GpuPower gpus = GpuPower.start().orElse(null)) {
      if (gpus == null) {
        note("No energy of GPUs: nvidia-smi tells of none here.");
      }
      measure(new EnergyMeter(rapl, gpus), new EnergyScenario(model.tokenizer(), seconds));
    }
  }

  private Launch launch(Variant variant) throws IOException {
    Path log = servers.peers().log("energy-" + variant);
    return directory.isPresent()
        ? servers.launch(variant, Model.PEER, SLOTS, log)
        : servers.chasqui(variant, file.map(Path::toAbsolutePath), Servers.POSITIONS, log);
  }

  private void note(String sentence) {
    tell(sentence);
    results.note(sentence);
  }

  private void measure(EnergyMeter meter, EnergyScenario scenario)
      throws IOException, InterruptedException {
    var seeds = new SplittableRandom(seed);
    var measured = new EnergyResults(results);
    for (int round = 0; round <= rounds; round++) {
      tell(round == 0 ? "warm-up" : "round %d of %d".formatted(round, rounds));
      for (int streams : STREAMS) {
        // The same prompts for each, and new ones each time: those of before are cached.
        long prompts = seeds.nextLong();
        long cached = seeds.nextLong();
        for (Map.Entry<Variant, Server> each : running.entrySet()) {
          Server server = each.getValue();
          EnergyMeter.Cost prefill =
              meter.measure(server, scenario.prefill(server, streams, prompts));
          EnergyMeter.Cost decode = meter.measure(server, scenario.decode(server, streams, cached));
          if (round > 0) {
            String subject = each.getKey().toString();
            measured.add(EnergyResults.PREFILL, subject, streams, prefill);
            measured.add(EnergyResults.DECODE, subject, streams, decode);
          }
        }
      }
      if (round > 0) {
        for (Map.Entry<Variant, Server> each : running.entrySet()) {
          measured.addRest(
              each.getKey().toString(), meter.measure(each.getValue(), scenario.rest()));
        }
      }
    }
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
