package io.chasqui.benchmark.forward;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.benchmark.JsonProgram;
import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.Launch;
import io.chasqui.benchmark.servers.PeerDirectory;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.model.CpuLimit;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Measures Chasqui beside llama.cpp and Jlama, on the same weights and threads: each engine has its
 * turn in each round, a process a turn, so that a ratio is of one time and one machine. Then starts
 * Chasqui's and llama.cpp's servers in turn: how long until they are healthy, and how much memory
 * they have when 2048 positions are taken.
 */
@Command(
    name = "chasqui bench peers",
    description = "Measures Chasqui beside llama.cpp and Jlama.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class PeerBench implements Callable<Integer> {
  /** Prompts and generation, then generation at a depth: what one turn of an engine runs. */
  private static final List<List<String>> TURNS =
      List.of(
          List.of("-p", "512", "-n", "128", "-d", "0"),
          List.of("-p", "0", "-n", "64", "-d", "2048"));

  private static final int POSITIONS = 2048;
  private static final int ANSWER = 8;

  private static final Quantity HEALTHY = Quantity.lower("process start to healthy", "s", 2);
  private static final Quantity LOAD =
      Quantity.lower("loading the model, beside the rest of the start", "ms", 0);

  private static final Pattern LOADED = Pattern.compile("loaded in (\\d+) ms");

  private enum Engine {
    CHASQUI("Chasqui"),
    LLAMA_CPP("llama.cpp"),
    JLAMA("Jlama, C"),
    JLAMA_JAVA("Jlama, Java");

    final String title;

    Engine(String title) {
      this.title = title;
    }

    Subject subject() {
      Subject subject = Subject.of(toString(), title);
      return this == CHASQUI ? subject : subject.asBaseline();
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  private PeerDirectory directory;

  @Parameters(paramLabel = "DIRECTORY", description = "what benchmark/peers/setup has made")
  void setDirectory(Path path) {
    directory = new PeerDirectory(path);
  }

  @Option(
      names = "--peers",
      split = ",",
      paramLabel = "NAME",
      description = "which to measure: ${COMPLETION-CANDIDATES} (default: all)")
  private List<Engine> peers = List.of(Engine.LLAMA_CPP, Engine.JLAMA, Engine.JLAMA_JAVA);

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description =
          "of the forward passes (default: as many processors as this process may use, which is"
              + " what the servers take)")
  private int threads = CpuLimit.processors();

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each has its turn (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(Tool.commandLine(new PeerBench()).execute(args));
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1 || threads < 1) {
      throw new IllegalArgumentException("--rounds and --threads must be at least 1");
    }
    int vocabulary;
    long weightBytes;
    try (PackedModel model = PackedModel.open(directory.packed())) {
      vocabulary = model.config().vocabulary();
      weightBytes = model.weightBytes();
    }
    Results.Builder results =
        Results.begin("peers", CompletionStream.SEED, Machine.environment())
            .option("rounds", rounds);
    measureSpeeds(results);
    measureServers(vocabulary, weightBytes, results);
    output.tell(results.build(), System.out);
    return 0;
  }

  private void measureSpeeds(Results.Builder results) throws IOException, InterruptedException {
    List<Engine> engines =
        Stream.concat(Stream.of(Engine.CHASQUI), peers.stream()).distinct().toList();
    for (int round = 1; round <= rounds; round++) {
      for (List<String> turn : TURNS) {
        for (Engine engine : engines) {
          tell("round %d of %d: %s %s".formatted(round, rounds, engine, String.join(" ", turn)));
          for (JsonNode result : run(engine, turn)) {
            results.subject(describe(engine, result));
            results.add(
                ModelTest.GROUP,
                quantity(result),
                engine.toString(),
                result.path("avg_ts").asDouble());
          }
        }
      }
    }
  }

  private static Quantity quantity(JsonNode result) {
    return ModelTest.quantity(
        result.path("n_prompt").asInt(),
        result.path("n_gen").asInt(),
        result.path("n_depth").asInt());
  }

  /** An engine with what it tells of itself under llama-bench's names. */
  private Subject describe(Engine engine, JsonNode result) {
    Subject subject =
        engine
            .subject()
            .on(
                engine == Engine.LLAMA_CPP ? "" : Machine.jvm(),
                result.path("kernels").asText(),
                result.path("n_threads").asInt());
    return switch (engine) {
      case CHASQUI ->
          subject.with(
              directory.packed().getFileName().toString(),
              result.path("model_digest").asText(),
              result.path("model_size").asLong(),
              "Q4",
              result.path("type_k").asText());
      case LLAMA_CPP -> directory.describe(subject);
      case JLAMA, JLAMA_JAVA ->
          subject.with(directory.jlama().getFileName().toString(), "", 0, "JQ4", "");
    };
  }

  private List<String> command(Engine engine) {
    return switch (engine) {
      case CHASQUI -> java(ModelBench.class, "-o", "jsonl", "-m", directory.packed().toString());
      case LLAMA_CPP ->
          directory.llamaCpp("llama-bench", "-o", "jsonl", "-m", directory.gguf().toString());
      case JLAMA -> java(JlamaBench.class, directory.jlama().toString());
      case JLAMA_JAVA -> java(JlamaBench.class, directory.jlama().toString(), "--java-kernels");
    };
  }

  /** Another JVM like this one. */
  private static List<String> java(Class<?> main, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
    command.addAll(List.of(arguments));
    return command;
  }

  private List<JsonNode> run(Engine engine, List<String> turn)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(command(engine));
    command.addAll(turn);
    command.addAll(List.of("-r", "1", "-t", String.valueOf(threads)));
    return JsonProgram.run(command, directory.log(engine.toString()));
  }

  private void measureServers(int vocabulary, long weightBytes, Results.Builder results)
      throws IOException, InterruptedException {
    for (int round = 1; round <= rounds; round++) {
      tell("round %d of %d: servers".formatted(round, rounds));
      add(results, Engine.CHASQUI, serve(vocabulary, weightBytes));
      if (peers.contains(Engine.LLAMA_CPP)) {
        add(results, Engine.LLAMA_CPP, serveLlamaCpp(vocabulary, weightBytes));
      }
    }
    results.note(
        "Servers have %d threads each, and memory is that of %d positions."
            .formatted(CpuLimit.processors(), POSITIONS));
  }

  private static void add(Results.Builder results, Engine engine, Map<Quantity, Double> numbers) {
    numbers.forEach(
        (quantity, number) -> results.add("servers", quantity, engine.toString(), number));
  }

  private Map<Quantity, Double> serve(int vocabulary, long weightBytes)
      throws IOException, InterruptedException {
    Path script = Path.of(System.getProperty("chasqui.root"), "chasqui");
    Path log = directory.log("serve");
    Launch launch =
        Launch.chasqui(script.toString(), Optional.of(directory.packed()), POSITIONS, log);
    Map<Quantity, Double> numbers = new LinkedHashMap<>();
    try (var server = new Server(launch)) {
      numbers.put(HEALTHY, server.awaitHealthy());
      server.send(
          "/v1/completions",
          "{\"model\": \"%s\", \"temperature\": 0, \"max_tokens\": %d, \"prompt\": %s}"
              .formatted(Launch.MODEL_NAME, ANSWER, prompt(vocabulary)));
      numbers.put(LOAD, loadMillis(log));
      numbers.putAll(server.resident().numbers(weightBytes));
      return numbers;
    }
  }

  private Map<Quantity, Double> serveLlamaCpp(int vocabulary, long weightBytes)
      throws IOException, InterruptedException {
    Launch launch =
        Launch.llamaServer(
            directory, 1, POSITIONS, CpuLimit.processors(), directory.log("llama-server"));
    Map<Quantity, Double> numbers = new LinkedHashMap<>();
    try (var server = new Server(launch)) {
      numbers.put(HEALTHY, server.awaitHealthy());
      server.send(
          "/completion",
          "{\"temperature\": 0, \"n_predict\": %d, \"prompt\": %s}"
              .formatted(ANSWER, prompt(vocabulary)));
      numbers.putAll(server.resident().numbers(weightBytes));
      return numbers;
    }
  }

  /** Token ids that, with the answer, take all positions. */
  private static String prompt(int vocabulary) {
    return CompletionStream.randomPrompt(POSITIONS - ANSWER, vocabulary);
  }

  private static double loadMillis(Path log) throws IOException {
    Matcher matcher = LOADED.matcher(Files.readString(log));
    if (!matcher.find()) {
      throw new IOException("%s has no line with '%s'".formatted(log, LOADED));
    }
    return Double.parseDouble(matcher.group(1));
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
