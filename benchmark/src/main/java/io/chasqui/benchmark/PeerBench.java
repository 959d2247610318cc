package io.chasqui.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.model.CpuLimit;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
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
  private static final double MB = 1e6;

  private static final Pattern VM_CREATED = Pattern.compile("\\[(\\d+)ms\\] Create VM");
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
    String digest;
    try (PackedModel model = PackedModel.open(directory.packed())) {
      vocabulary = model.config().vocabulary();
      weightBytes = model.weightBytes();
      digest = model.weightsDigest();
    }
    System.out.printf(
        "CPU: %s; %d threads; build: %s; JVM: %s; weights' SHA-256 %s; %d rounds%n%n",
        Machine.cpu(), threads, Machine.commit(), Machine.jvm(), digest, rounds);
    measureSpeeds().table().forEach(System.out::println);
    System.out.println();
    measureServers(vocabulary, weightBytes);
    return 0;
  }

  private PeerSpeeds measureSpeeds() throws IOException, InterruptedException {
    List<Engine> engines =
        Stream.concat(Stream.of(Engine.CHASQUI), peers.stream()).distinct().toList();
    var speeds = new PeerSpeeds(engines.stream().map(engine -> engine.title).toList());
    for (int round = 1; round <= rounds; round++) {
      for (List<String> turn : TURNS) {
        for (Engine engine : engines) {
          tell("round %d of %d: %s %s".formatted(round, rounds, engine, String.join(" ", turn)));
          for (JsonNode result : run(engine, turn)) {
            speeds.add(name(result), engine.title, result.path("avg_ts").asDouble());
          }
        }
      }
    }
    return speeds;
  }

  private static String name(JsonNode result) {
    int prompt = result.path("n_prompt").asInt();
    int depth = result.path("n_depth").asInt();
    return (prompt > 0 ? "pp" + prompt : "tg" + result.path("n_gen").asInt())
        + (depth > 0 ? " at depth " + depth : "");
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

  /**
   * What a server's start and its memory came to.
   *
   * @param healthy seconds from the start of the process
   * @param ownMillis from the JVM's being up to healthy; not a number without a JVM
   * @param loadMillis of these, what loading the model took, beside the rest of the start
   * @param anonymous resident memory that belongs to no file, in MB of 10⁶ bytes as what follows
   * @param file resident memory of mapped files
   * @param beyond all resident memory less one copy of the weights
   */
  private record Served(
      double healthy,
      double ownMillis,
      double loadMillis,
      double anonymous,
      double file,
      double beyond) {}

  private void measureServers(int vocabulary, long weightBytes)
      throws IOException, InterruptedException {
    List<Served> ours = new ArrayList<>();
    List<Served> theirs = new ArrayList<>();
    for (int round = 1; round <= rounds; round++) {
      tell("round %d of %d: servers".formatted(round, rounds));
      ours.add(serve(vocabulary, weightBytes));
      if (peers.contains(Engine.LLAMA_CPP)) {
        theirs.add(serveLlamaCpp(vocabulary, weightBytes));
      }
    }
    System.out.println(
        "| server (medians) | process start to healthy, s | JVM up to healthy, ms | loading the model,"
            + " ms | resident at %d positions, MB: anonymous | of files | beyond the weights |"
                .formatted(POSITIONS));
    System.out.println("|" + "---|".repeat(7));
    report(Engine.CHASQUI, ours);
    if (!theirs.isEmpty()) {
      report(Engine.LLAMA_CPP, theirs);
    }
  }

  private static void report(Engine engine, List<Served> runs) {
    System.out.printf(
        "| %s | %s | %s | %s | %s | %s | %s |%n",
        engine.title,
        median("%.2f", runs, Served::healthy),
        median("%.0f", runs, Served::ownMillis),
        median("%.0f", runs, Served::loadMillis),
        median("%.0f", runs, Served::anonymous),
        median("%.0f", runs, Served::file),
        median("%.0f", runs, Served::beyond));
  }

  private static String median(String format, List<Served> runs, Function<Served, Double> number) {
    double median = Rounds.median(runs.stream().map(number).toList());
    return Double.isNaN(median) ? "" : String.format(Locale.ROOT, format, median);
  }

  private Served serve(int vocabulary, long weightBytes) throws IOException, InterruptedException {
    Path script = Path.of(System.getProperty("chasqui.root"), "chasqui");
    Path vmLog = Files.createTempFile("chasqui-vm", ".log");
    Path log = directory.log("serve");
    Launch launch =
        Launch.chasqui(script.toString(), Optional.of(directory.packed()), POSITIONS, log)
            .with("JAVA_TOOL_OPTIONS", "-Xlog:startuptime:file=" + vmLog + ":timemillis");
    try (var server = new Server(launch)) {
      double healthy = server.awaitHealthy();
      long healthyAt = System.currentTimeMillis();
      server.send(
          "/v1/completions",
          "{\"model\": \"%s\", \"temperature\": 0, \"max_tokens\": %d, \"prompt\": %s}"
              .formatted(Launch.MODEL_NAME, ANSWER, prompt(vocabulary)));
      return served(
          server, healthy, healthyAt - number(VM_CREATED, vmLog), number(LOADED, log), weightBytes);
    } finally {
      Files.delete(vmLog);
    }
  }

  private Served serveLlamaCpp(int vocabulary, long weightBytes)
      throws IOException, InterruptedException {
    Launch launch =
        Launch.llamaServer(
            directory, 1, POSITIONS, CpuLimit.processors(), directory.log("llama-server"));
    try (var server = new Server(launch)) {
      double healthy = server.awaitHealthy();
      server.send(
          "/completion",
          "{\"temperature\": 0, \"n_predict\": %d, \"prompt\": %s}"
              .formatted(ANSWER, prompt(vocabulary)));
      return served(server, healthy, Double.NaN, Double.NaN, weightBytes);
    }
  }

  private static Served served(
      Server server, double healthy, double ownMillis, double loadMillis, long weightBytes)
      throws IOException {
    Server.Resident resident = server.resident();
    return new Served(
        healthy,
        ownMillis,
        loadMillis,
        resident.anonymous() / MB,
        resident.file() / MB,
        (resident.all() - weightBytes) / MB);
  }

  /** Token ids that, with the answer, take all positions. */
  private static String prompt(int vocabulary) {
    return CompletionStream.randomPrompt(POSITIONS - ANSWER, vocabulary);
  }

  private static double number(Pattern pattern, Path log) throws IOException {
    Matcher matcher = pattern.matcher(Files.readString(log));
    if (!matcher.find()) {
      throw new IOException("%s has no line with '%s'".formatted(log, pattern));
    }
    return Double.parseDouble(matcher.group(1));
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
