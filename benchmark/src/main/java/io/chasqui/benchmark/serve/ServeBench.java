package io.chasqui.benchmark.serve;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures servers with OpenAI's API under open-loop load: one that runs already, or those that it
 * starts itself, each in its turn at each rate of each round. In a turn the others have no request.
 */
@Command(
    name = "chasqui bench serve",
    description = "Measures a server's latencies and goodput while requests come at given rates.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class ServeBench implements Callable<Integer> {
  private static final int DEFAULT_ANSWER = 64;
  private static final String DATA = ".jsonl";

  /** What is sent as a prompt. */
  enum Form {
    /** What the data has: servers apply a chat template and tokenize. */
    TEXT,
    /** Token ids: servers do neither. */
    IDS;

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  @Parameters(
      arity = "0..1",
      paramLabel = "DIRECTORY",
      description =
          "what benchmark/peers/setup has made: its model is served, by llama-server too, and prompts"
              + " are sent as ids, since two tokenizers of it may differ")
  private Optional<Path> directory = Optional.empty();

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "a server that runs (default: servers are started)")
  private Optional<String> url = Optional.empty();

  @Option(names = "--api-key", paramLabel = "KEY", description = "sent to --url, and told nowhere")
  private Optional<String> apiKey = Optional.empty();

  @Option(
      names = {"-m", "--model"},
      paramLabel = "MODEL",
      description =
          "with --url the name of a model (default: its first), without it a packed file (default: the"
              + " demo model)")
  private Optional<String> model = Optional.empty();

  @Option(
      names = "--variants",
      split = ",",
      paramLabel = "NAME",
      description =
          "what to start: ${COMPLETION-CANDIDATES} (default: all that are there, of jvm and aot the"
              + " latter)")
  private Set<Variant> variants = Set.of();

  @Option(
      names = "--data",
      paramLabel = "NAME|FILE",
      description =
          "prompts: a name in benchmark/data, or a file of JSON lines or like ShareGPT's"
              + " (default: ${DEFAULT-VALUE})")
  private String data = "short-chat";

  @Option(
      names = "--prompts",
      paramLabel = "FORM",
      description = "text or ids; ids leave tokenization out of what is measured (default: text)")
  private Optional<Form> form = Optional.empty();

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      description = "of each answer (default: as the data says, or else 64)")
  private Optional<Integer> maxTokens = Optional.empty();

  @Option(
      names = "--stop-at-eos",
      description =
          "answers end where the model ends them; ignore_eos, which some servers refuse, is not sent")
  private boolean stopAtEos;

  @Option(
      names = "--no-prefix-cache",
      description = "sends \"cache_prompt\": false, so that equal prompts are computed again")
  private boolean noPrefixCache;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "of each server that is started (default: all processors)")
  private int threads = CpuLimit.processors();

  @Mixin private LoadOptions loadOptions = new LoadOptions();

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new ServeBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    check();
    Path root = Path.of(System.getProperty("chasqui.root"));
    PromptData prompts = PromptData.read(dataFile(root));
    var environment = Machine.environment();
    Results.Builder results = Results.begin("serve", loadOptions.seed(), environment);
    tellOptions(results);
    if (url.isPresent()) {
      try (var endpoint = new Endpoint(url.get(), apiKey)) {
        measureRunning(endpoint, prompts, results);
      }
    } else {
      measureStarted(root, prompts, results);
    }
    output.tell(results.build(), System.out);
    return 0;
  }

  private void check() {
    loadOptions.check();
    if (maxTokens.orElse(1) < 1) {
      throw new IllegalArgumentException("--max-tokens must be at least 1");
    }
    if (url.isPresent() && (directory.isPresent() || !variants.isEmpty())) {
      throw new IllegalArgumentException("--url measures that server only, and starts none");
    }
    if (url.isEmpty() && apiKey.isPresent()) {
      throw new IllegalArgumentException("--api-key is for a server at --url");
    }
    if (directory.isPresent() && model.isPresent()) {
      throw new IllegalArgumentException("DIRECTORY has a model of its own: leave --model out");
    }
    if (directory.isEmpty() && variants.contains(Variant.LLAMA_CPP)) {
      throw new IllegalArgumentException("llama-cpp needs the DIRECTORY of benchmark/peers/setup");
    }
  }

  /** A file, or else the name of one that comes with the benchmarks. */
  private Path dataFile(Path root) throws IOException {
    Path named = root.resolve("benchmark").resolve("data").resolve(data + DATA);
    Path file = Files.isRegularFile(named) ? named : Path.of(data);
    if (!Files.isRegularFile(file)) {
      throw new IOException(
          "there is neither a file %s nor %s".formatted(data, root.relativize(named)));
    }
    return file;
  }

  private Form form() {
    return form.orElse(directory.isPresent() ? Form.IDS : Form.TEXT);
  }

  private void tellOptions(Results.Builder results) {
    url.ifPresent(each -> results.option("url", each));
    loadOptions.tell(results);
    results
        .option("data", data)
        .option("prompts", form())
        .option("max-tokens", maxTokens.map(String::valueOf).orElse("of the data"))
        .option("ignore-eos", !stopAtEos)
        .option("prefix-cache", !noPrefixCache);
    results.note(
        "%s; data %s, sent as %s; equal prompts %s."
            .formatted(
                loadOptions,
                data,
                form() == Form.IDS ? "ids, so that no server tokenizes" : "text",
                noPrefixCache ? "are computed again" : "may come from a prefix cache"));
  }

  private RequestWriter writer(String name) {
    return new RequestWriter(name, !stopAtEos, !noPrefixCache);
  }

  private ServePrompts preparation() {
    return new ServePrompts(form() == Form.IDS, maxTokens, DEFAULT_ANSWER);
  }

  private void measureRunning(Endpoint endpoint, PromptData data, Results.Builder results)
      throws IOException, InterruptedException {
    Endpoint.Model served = endpoint.model(model);
    ServePrompts preparation = preparation();
    ServePrompts.Prepared prepared =
        preparation.prepare(
            data,
            prompt -> endpoint.tokens(served.name(), prompt),
            served.context(),
            writer(served.name()));
    results.subject(Subject.of("server", served.name()).with(served.name(), "", 0, "", ""));
    var measured = new ServeResults();
    measure(List.of(new ServeLoad.Target("server", endpoint, prepared.requests())), measured);
    measured.tell(results);
    prepared.notes().forEach(results::note);
  }

  private void measureStarted(Path root, PromptData data, Results.Builder results)
      throws IOException, InterruptedException {
    // Without peers, the servers' output has its place beside the program.
    var peers = new PeerDirectory(directory.orElse(root.resolve("target")));
    var servers = new Servers(root, peers, threads);
    List<Variant> present = servers.present(variants, usual(servers));
    List<ServeLoad.Target> targets = new ArrayList<>();
    List<Server> running = new ArrayList<>();
    try (PackedModel packed = open(servers)) {
      int context = Math.min(packed.config().context(), Servers.POSITIONS);
      var tokens = new PackedTokens(packed);
      ServePrompts.Prepared prepared =
          preparation()
              .prepare(
                  tokens.hasTemplate() ? data : ServePrompts.asText(data),
                  prompt -> Optional.of(tokens.of(prompt)),
                  OptionalInt.of(context),
                  writer(Launch.MODEL_NAME));
      // Before there are servers, which would take processors from it.
      OptionalDouble tokenization =
          form() == Form.TEXT
              ? OptionalDouble.of(tokens.meanMillis(prepared.prompts()))
              : OptionalDouble.empty();
      var measured = new ServeResults();
      for (Variant variant : present) {
        tell("start of " + variant);
        Server server = new Server(launch(servers, variant));
        running.add(server);
        server.awaitHealthy();
        results.subject(
            servers.describe(
                variant.subject(variant.toString()),
                variant,
                Weights.of(name(servers), packed),
                server));
        targets.add(
            new ServeLoad.Target(
                variant.toString(),
                new Endpoint(server.url().toString(), Optional.empty()),
                prepared.requests()));
        if (tokenization.isPresent() && variant != Variant.LLAMA_CPP) {
          measured.tokenization(variant.toString(), tokenization.getAsDouble());
        }
      }
      measure(targets, measured);
      measured.tell(results);
      prepared.notes().forEach(results::note);
    } finally {
      targets.forEach(target -> target.endpoint().close());
      running.forEach(Server::close);
    }
  }

  private Set<Variant> usual(Servers servers) throws IOException {
    EnumSet<Variant> usual = EnumSet.of(servers.jvm(), Variant.NATIVE);
    if (directory.isPresent()) {
      usual.add(Variant.LLAMA_CPP);
    }
    return usual;
  }

  private PackedModel open(Servers servers) {
    if (directory.isPresent()) {
      return servers.open(Model.PEER);
    }
    return Servers.open(model.map(Path::of));
  }

  private Launch launch(Servers servers, Variant variant) throws IOException {
    Path log = servers.peers().log("serve-" + variant);
    if (directory.isPresent()) {
      return servers
          .launch(variant, Model.PEER, ServeLoad.SLOTS, log)
          .with("CHASQUI_MAX_NUM_SEQS", String.valueOf(ServeLoad.SLOTS));
    }
    Optional<Path> file = model.map(Path::of).map(Path::toAbsolutePath);
    return servers.chasqui(variant, file, Servers.POSITIONS, log).on(threads);
  }

  private String name(Servers servers) {
    return directory.isPresent() ? servers.name(Model.PEER) : Servers.name(model.map(Path::of));
  }

  private void measure(List<ServeLoad.Target> targets, ServeResults results)
      throws IOException, InterruptedException {
    ServeLoad load = loadOptions.load();
    for (ServeLoad.Target target : targets) {
      tell("warm-up: " + target.id());
      load.warmUp(target);
    }
    var seeds = new SplittableRandom(loadOptions.seed());
    for (int round = 1; round <= loadOptions.rounds(); round++) {
      for (double rate : loadOptions.rates()) {
        // The same times and prompts for each, and new ones in each round.
        long seed = seeds.nextLong();
        for (ServeLoad.Target target : targets) {
          tell(
              "round %d of %d: %s requests/s, %s"
                  .formatted(round, loadOptions.rounds(), rate, target.id()));
          Optional<ServerTimes> before = target.endpoint().times();
          LoadStatistics statistics = load.measure(target, rate, seed);
          Optional<ServerTimes> after = target.endpoint().times();
          results.add(target.id(), rate, statistics, after.flatMap(end -> before.map(end::since)));
          statistics.messages().forEach(message -> tell("  " + message));
        }
      }
    }
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
