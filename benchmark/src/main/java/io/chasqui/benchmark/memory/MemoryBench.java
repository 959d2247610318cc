package io.chasqui.benchmark.memory;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.RandomModel;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.Better;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.ConcurrentStreams;
import io.chasqui.benchmark.servers.Launch;
import io.chasqui.benchmark.servers.PeerDirectory;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.benchmark.servers.Servers.Weights;
import io.chasqui.benchmark.servers.StreamRequest;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.pack.ModelLocation;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Compares the memory that a server has taken at most, when all of its sequences have been as long
 * as its context, with what it estimates of itself. Exits with 1 if an estimate is off by more than
 * 5 %.
 */
@Command(
    name = "chasqui bench memory",
    description = {
      "Compares the memory of servers with their own estimates.",
      "",
      "Served are the demo model, random models of several shapes, and the given files."
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class MemoryBench implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int ANSWER_TOKENS = 16;
  private static final long SEED = 1;
  private static final double TOLERANCE = 0.05;
  private static final double MB = 1e6;

  private static final Quantity RATIO = new Quantity("estimate ÷ peak", "", Better.NEITHER, 3);

  /** By the names that {@code GET /v1/estimate} has for them. */
  private static final Map<String, Quantity> ESTIMATES = new LinkedHashMap<>();

  static {
    ESTIMATES.put("total", bytes("estimate"));
    ESTIMATES.put("weights", bytes("estimate of weights"));
    ESTIMATES.put("kv_cache", bytes("estimate of KV cache"));
    ESTIMATES.put("activations", bytes("estimate of activations"));
    ESTIMATES.put("runtime", bytes("estimate of runtime"));
  }

  private static final Quantity PEAK = bytes("peak");
  private static final Quantity ANONYMOUS = bytes("resident at the end, anonymous");
  private static final Quantity FILES = bytes("resident at the end, of files");

  private static Quantity bytes(String name) {
    return Quantity.lower(name, "MB", 1);
  }

  /** Random models: each has more of something than the others. */
  private enum Shape {
    WIDE(DType.Q4, 1024, 4096, 12, 16, 4, 32_000),
    HEADS(DType.Q8, 768, 2048, 12, 12, 12, 8_000),
    VOCABULARY(DType.BF16, 512, 1536, 8, 8, 2, 128_000),
    DEEP(DType.F32, 384, 1024, 24, 6, 2, 4_000);

    private final DType quantization;
    private final List<String> arguments;

    Shape(
        DType quantization,
        int hidden,
        int feedForward,
        int layers,
        int heads,
        int kvHeads,
        int vocabulary) {
      this.quantization = quantization;
      arguments =
          List.of(
              "--hidden=" + hidden,
              "--feed-forward=" + feedForward,
              "--layers=" + layers,
              "--heads=" + heads,
              "--kv-heads=" + kvHeads,
              "--vocabulary=" + vocabulary);
    }

    /** The packed model, made when it is not there. */
    Path in(Path directory) throws IOException {
      String name = "%s-%s".formatted(this, quantization).toLowerCase(Locale.ROOT);
      Path packed = directory.resolve(name + PackedModel.SUFFIX);
      if (!Files.exists(packed)) {
        tell("making " + packed);
        Path source = directory.resolve(name);
        String[] words =
            Stream.concat(arguments.stream(), Stream.of(source.toString())).toArray(String[]::new);
        if (Tool.commandLine(new RandomModel()).execute(words) != 0) {
          throw new IOException("no random model could be written to " + source);
        }
        ModelPacker.pack(
            ModelLocation.resolve(source.toString()), packed, quantization, Progress.NONE);
      }
      return packed;
    }
  }

  @Parameters(
      index = "0",
      paramLabel = "DIRECTORY",
      description = "where random models are made and kept, and the output of servers goes")
  private Path directory;

  @Parameters(index = "1..*", paramLabel = "FILE", description = "other packed models")
  private List<Path> files = List.of();

  @Option(
      names = "--variants",
      split = ",",
      paramLabel = "NAME",
      description = "what to start: jvm, aot, native (default: those that are there but jvm)")
  private Set<Variant> variants = Set.of();

  @Option(
      names = "--context",
      split = ",",
      paramLabel = "N",
      description = "positions of a sequence, if the model has them (default: 256,1024)")
  private List<Integer> contexts = List.of(256, 1024);

  @Option(
      names = "--batch",
      paramLabel = "N",
      description = "sequences at once (default: ${DEFAULT-VALUE})")
  private int batch = 8;

  @Option(
      names = "--kv",
      paramLabel = "TYPE",
      description = "how keys and values are stored, f16 or i8 (default: f16)")
  private KvLayout.Type kv = KvLayout.Type.F16;

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description =
          "how often all sequences run: a JVM's compilers take their most memory at some time of"
              + " the first minute (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new MemoryBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (contexts.stream().anyMatch(context -> context <= ANSWER_TOKENS)
        || batch < 1
        || rounds < 1) {
      throw new IllegalArgumentException(
          "--context must be above %d, --batch and --rounds at least 1".formatted(ANSWER_TOKENS));
    }
    if (variants.contains(Variant.LLAMA_CPP)) {
      throw new IllegalArgumentException("llama-server has no estimate: ask for another variant");
    }
    Path root = Path.of(System.getProperty("chasqui.root"));
    var servers = new Servers(root, new PeerDirectory(directory), CpuLimit.processors());
    List<Variant> present = servers.present(variants, EnumSet.of(servers.jvm(), Variant.NATIVE));
    Files.createDirectories(directory);
    Results.Builder results =
        Results.begin("memory", SEED, Machine.environment()).option("rounds", rounds);
    boolean areClose = true;
    for (Optional<Path> file : models()) {
      try (PackedModel model = Servers.open(file)) {
        for (int context : contexts.stream().distinct().toList()) {
          for (Variant variant : present) {
            tell("%s, %d positions, %s".formatted(Servers.name(file), context, variant));
            areClose &= isClose(measure(servers, variant, file, model, context, results));
          }
        }
      }
    }
    output.tell(results.build(), System.out);
    return areClose ? 0 : 1;
  }

  private List<Optional<Path>> models() throws IOException {
    List<Optional<Path>> models = new ArrayList<>();
    models.add(Optional.empty());
    for (Shape shape : Shape.values()) {
      models.add(Optional.of(shape.in(directory)));
    }
    files.forEach(file -> models.add(Optional.of(file)));
    return models;
  }

  /** Adds what an estimate and a server came to, and returns the one divided by the other. */
  private double measure(
      Servers servers,
      Variant variant,
      Optional<Path> file,
      PackedModel model,
      int context,
      Results.Builder results)
      throws IOException, InterruptedException {
    int positions = Math.min(context, Decoder.maxContext(model.config()));
    Path log = servers.peers().log("memory-" + variant);
    Launch launch =
        servers
            .chasqui(variant, file.map(Path::toAbsolutePath), positions, log)
            .with("CHASQUI_MAX_NUM_SEQS", String.valueOf(batch))
            .with("CHASQUI_KV_CACHE_DTYPE", kv.name().toLowerCase(Locale.ROOT));
    try (Server server = new Server(launch)) {
      server.awaitHealthy();
      JsonNode estimate = JSON.readTree(server.get("/v1/estimate"));
      var random = new SplittableRandom(SEED);
      for (int round = 0; round < rounds; round++) {
        ConcurrentStreams.run(server, requests(model, positions, random));
      }
      Subject subject =
          Subject.of(
              "%s-%s-%d".formatted(variant, Servers.name(file), context),
              title(Servers.name(file), estimate));
      results.subject(
          servers.describe(subject, variant, Weights.of(Servers.name(file), model), server));
      String group = "memory, context of %d: %s".formatted(context, variant.title);
      return add(results, group, subject.id(), estimate.path("bytes"), server.resident());
    }
  }

  private static String title(String name, JsonNode estimate) {
    return "%s, %s, %d × %d"
        .formatted(
            name,
            estimate.path("precision").asText(),
            estimate.path("batch").asInt(),
            estimate.path("context").asInt());
  }

  private static double add(
      Results.Builder results,
      String group,
      String subject,
      JsonNode estimate,
      Server.Resident resident) {
    double ratio = estimate.path("total").asDouble() / resident.peak();
    results.add(group, RATIO, subject, ratio);
    ESTIMATES.forEach((part, quantity) ->
        results.add(group, quantity, subject, estimate.path(part).asLong() / MB));
    results.add(group, PEAK, subject, resident.peak() / MB);
    results.add(group, ANONYMOUS, subject, resident.anonymous() / MB);
    results.add(group, FILES, subject, resident.file() / MB);
    return ratio;
  }

  /**
   * Whether an estimate is within 5 % of what was measured.
   *
   * @param ratio of the one to the other
   */
  static boolean isClose(double ratio) {
    return Math.abs(ratio - 1) <= TOLERANCE;
  }

  /** As many as run at once, with nothing in common, each as long as the context. */
  private List<StreamRequest> requests(PackedModel model, int positions, SplittableRandom random) {
    int token = model.tokenizer().encode("a", false)[0];
    int prompt = positions - ANSWER_TOKENS;
    return Stream.generate(() ->
            new StreamRequest(
                StreamRequest.randomPrompt(random, prompt, model.tokenizer().vocabularySize()),
                ANSWER_TOKENS,
                token))
        .limit(batch)
        .toList();
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
