package io.chasqui.benchmark.streams;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
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
 * Measures many streams at once, over HTTP, on the same weights: Chasqui on the JVM and as native
 * executable, and llama-server, each in its turn in each scenario of each round; and beside them
 * llama-batched-bench, which is llama.cpp without HTTP. All servers are started before the first
 * round and stay up: one that has no request takes next to no time of a processor, and a JVM keeps
 * what it has compiled.
 */
@Command(
    name = "chasqui bench streams",
    description = "Measures many streams at once beside llama-server.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class StreamBench implements Callable<Integer> {
  private static final int SLOTS = 16;
  private static final Set<Variant> JVMS = EnumSet.of(Variant.JVM, Variant.AOT);

  private PeerDirectory peers;

  @Parameters(paramLabel = "DIRECTORY", description = "what benchmark/peers/setup has made")
  void setDirectory(Path path) {
    peers = new PeerDirectory(path);
  }

  @Option(
      names = "--scenarios",
      split = ",",
      paramLabel = "NAME",
      description = "what to measure: ${COMPLETION-CANDIDATES} (default: all)")
  private Set<StreamScenario> scenarios = EnumSet.allOf(StreamScenario.class);

  @Option(
      names = "--variants",
      split = ",",
      paramLabel = "NAME",
      description =
          "what to start: ${COMPLETION-CANDIDATES} (default: all that are there, of jvm and aot the"
              + " latter); llama-cpp brings llama-batched-bench")
  private Set<Variant> variants = Set.of();

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each has its turn (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "of each engine (default: as many processors as this process may use)")
  private int threads = CpuLimit.processors();

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "another one gives other prompts (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new StreamBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1) {
      throw new IllegalArgumentException("--rounds must be at least 1");
    }
    var servers = new Servers(Path.of(System.getProperty("chasqui.root")), peers, threads);
    List<Variant> present = servers.present(variants, usual(servers));
    Map<Variant, Server> running = new EnumMap<>(Variant.class);
    try (PackedModel model = servers.open(Model.PEER)) {
      requireContext(model);
      Results.Builder results =
          Results.begin("streams", seed, Machine.environment()).option("rounds", rounds);
      for (Variant variant : present) {
        tell("start of " + variant);
        running.put(variant, start(variant, servers));
      }
      Map<Variant, StreamMeter> meters = new EnumMap<>(Variant.class);
      for (Map.Entry<Variant, Server> each : running.entrySet()) {
        Variant variant = each.getKey();
        Server server = each.getValue();
        server.awaitHealthy();
        results.subject(
            servers.describe(
                variant.subject(variant.toString()),
                variant,
                Weights.of(servers.name(Model.PEER), model),
                server));
        meters.put(variant, new StreamMeter(server, model.tokenizer()));
      }
      measure(meters, results);
      output.tell(results.build(), System.out);
    } finally {
      running.values().forEach(Server::close);
    }
    return 0;
  }

  /** All that there are; the two ways to run the JVM make no difference once it is warm. */
  private static Set<Variant> usual(Servers servers) throws IOException {
    return EnumSet.of(servers.jvm(), Variant.NATIVE, Variant.LLAMA_CPP);
  }

  private static void requireContext(PackedModel model) {
    if (model.config().context() < Servers.POSITIONS) {
      throw new IllegalArgumentException(
          "the model has a context of %d positions: take one that has %d"
              .formatted(model.config().context(), Servers.POSITIONS));
    }
  }

  private Server start(Variant variant, Servers servers) throws IOException {
    return new Server(
        servers
            .launch(variant, Model.PEER, SLOTS, peers.log("streams-" + variant))
            .with("CHASQUI_MAX_NUM_SEQS", String.valueOf(SLOTS)));
  }

  private void measure(Map<Variant, StreamMeter> meters, Results.Builder results)
      throws IOException, InterruptedException {
    var seeds = new SplittableRandom(seed);
    warmUp(meters, seeds);
    Optional<BatchedBench> batchedBench = batchedBench(meters.keySet());
    batchedBench.ifPresent(bench -> results.subject(bench.subject()));
    for (int round = 1; round <= rounds; round++) {
      String stage = "round %d of %d".formatted(round, rounds);
      for (StreamScenario scenario : scenarios) {
        // The same prompts for each, and new ones in each round: those of the last are cached.
        long prompts = seeds.nextLong();
        for (Map.Entry<Variant, StreamMeter> each : meters.entrySet()) {
          tell(stage, scenario, each.getKey());
          scenario.add(
              results, each.getKey().toString(), each.getValue().measure(scenario, prompts));
        }
        if (batchedBench.isPresent() && scenario.isBatch()) {
          tell(stage, scenario, BatchedBench.NAME);
          scenario.add(results, BatchedBench.NAME, batchedBench.get().measure(scenario.streams));
        }
      }
    }
  }

  private void warmUp(Map<Variant, StreamMeter> meters, SplittableRandom seeds)
      throws IOException, InterruptedException {
    for (Map.Entry<Variant, StreamMeter> each : meters.entrySet()) {
      if (JVMS.contains(each.getKey())) {
        tell("warm-up: compilers, " + each.getKey());
        each.getValue().warmUpCompilers(seeds.nextLong());
      }
      for (StreamScenario scenario : scenarios) {
        tell("warm-up", scenario, each.getKey());
        each.getValue().measure(scenario, seeds.nextLong());
      }
    }
  }

  /** The other program of llama.cpp, where its server is measured and the program is there. */
  private Optional<BatchedBench> batchedBench(Set<Variant> variants) {
    if (!variants.contains(Variant.LLAMA_CPP)) {
      return Optional.empty();
    }
    var bench = new BatchedBench(peers, threads);
    if (!bench.isThere()) {
      System.err.println(
          "chasqui: without %s: it is not in %s"
              .formatted(BatchedBench.NAME, peers.llamaCppFiles()));
      return Optional.empty();
    }
    return Optional.of(bench);
  }

  private static void tell(String stage, StreamScenario scenario, Object subject) {
    tell("%s: %s, %s".formatted(stage, scenario, subject));
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
