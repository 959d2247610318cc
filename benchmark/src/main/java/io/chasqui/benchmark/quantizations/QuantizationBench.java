package io.chasqui.benchmark.quantizations;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.NumberRanges;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.forward.BenchedModel;
import io.chasqui.benchmark.forward.BenchedModel.Temporary;
import io.chasqui.benchmark.forward.ModelBench;
import io.chasqui.benchmark.quality.QualityMeter;
import io.chasqui.benchmark.quality.QualityOptions;
import io.chasqui.benchmark.quality.Scorer;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Decoder;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelConfig;
import io.chasqui.pack.ModelLocation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Packs a model as each type of weights and compares what they cost and what they are worth: speed,
 * memory and quality. In each round every type has its turn at every test.
 */
@Command(
    name = "chasqui bench quantizations",
    description = {
      "Compares the speed, memory and quality of a model's weights as q4, q8, bf16 and f32.",
      "",
      "Lists of numbers have commas, or ranges as 1-8, 1-8+2 or 1-8*2."
    },
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class QuantizationBench implements Callable<Integer> {
  private static final Logger LOG = Logger.getLogger("io.chasqui");
  private static final String GROUP = "Quantizations";
  private static final int DEEPEST = 8192;

  @Parameters(
      arity = "0..1",
      paramLabel = "SOURCE",
      description =
          "a directory in Hugging Face's layout, hf:OWNER/NAME, or demo, the model that is built in"
              + " (default: demo)")
  private String source = EmbeddedModel.NAME;

  @Option(
      names = "--types",
      split = ",",
      paramLabel = "TYPE",
      description = "q4, q8, bf16, f32 (default: all)")
  private List<DType> types = List.of(DType.Q4, DType.Q8, DType.BF16, DType.F32);

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "N",
      description = "tokens of a prompt, if the model has the positions (default: 512)")
  private int prompt = 512;

  @Option(
      names = {"-n", "--n-gen"},
      paramLabel = "N",
      description = "tokens to generate, if the model has the positions (default: 128)")
  private int generated = 128;

  @Option(
      names = "--batches",
      paramLabel = "N",
      description = "how many sequences to generate at once (default: 1-32*2)")
  private String batches = "1-32*2";

  @Option(
      names = {"-d", "--depths"},
      paramLabel = "N",
      description =
          "positions before those generated (default: up to 8192, as the model has them, in"
              + " three steps)")
  private Optional<String> depths = Optional.empty();

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each type has its turn (default: 3)")
  private int rounds = 3;

  @Option(names = "--seed", paramLabel = "N", description = "of the tokens (default: 1)")
  private long seed = 1;

  @Mixin private QualityOptions options = new QualityOptions();

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    LOG.setLevel(Level.WARNING); // the kernels' name is in the caption
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new QuantizationBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    options.check();
    if (prompt < 1 || generated < 1 || rounds < 1) {
      throw new IllegalArgumentException("-p, -n and -r must be at least 1");
    }
    int context = Decoder.maxContext(ModelConfig.read(ModelLocation.resolveSettings(source)));
    prompt = Math.min(prompt, context);
    generated = Math.min(generated, Math.min(context, DEEPEST));
    List<Integer> counts = NumberRanges.parse(batches, 1);
    List<Integer> places = depths(context);
    QualityMeter quality = options.meter();
    var results = Results.begin("quantizations", seed, Machine.environment());
    tellOptions(results, places);
    Set<DType> wanted = new LinkedHashSet<>(types);
    try (var temporary = Temporary.create();
        var models = new QuantizedModels(temporary, source, wanted, QuantizationBench::tell)) {
      for (DType type : wanted) {
        results.subject(
            BenchedModel.subject(
                ModelBench.optionName(type),
                type.toString(),
                models.get(type),
                options.kvType(),
                options.threads()));
      }
      var costs =
          new QuantizationCosts(
              models, wanted, options.kvType(), options.threads(), rounds, seed, results);
      costs.memory(GROUP);
      tell("speed");
      costs.speed(GROUP, prompt, generated);
      for (DType type : wanted) {
        tell("quality of " + ModelBench.optionName(type));
        measureQuality(quality, models, type, results);
      }
      for (int count : counts) {
        tell(count + " sequences at once");
        costs.batch("Sequences at once", count, generated);
      }
      for (int depth : places) {
        tell("depth of " + depth);
        costs.depth("Depth", depth, generated);
      }
    }
    output.tell(results.build(), System.out);
    return 0;
  }

  /**
   * Where decoding is measured.
   *
   * @throws IllegalArgumentException if the model has no such positions
   */
  private List<Integer> depths(int context) {
    int end = Math.min(context, DEEPEST) - generated;
    if (depths.isEmpty()) {
      return IntStream.of(0, end / 4, end / 2, end).distinct().boxed().toList();
    }
    List<Integer> places = NumberRanges.parse(depths.get(), 0);
    for (int depth : places) {
      if (depth + generated > context) {
        throw new IllegalArgumentException(
            "%d tokens at a depth of %d need more than the model's context of %d"
                .formatted(generated, depth, context));
      }
    }
    return places;
  }

  private void tellOptions(Results.Builder results, List<Integer> places) {
    // A directory without its place, which says nothing on another machine.
    Path directory = Path.of(source);
    results.option(
        "source",
        Files.isDirectory(directory)
            ? directory.toAbsolutePath().normalize().getFileName()
            : source);
    results.option("prompt", prompt);
    results.option("generated", generated);
    results.option("batches", batches);
    results.option("depths", places);
    results.option("rounds", rounds);
    options.tell(results);
  }

  private void measureQuality(
      QualityMeter meter, QuantizedModels models, DType type, Results.Builder results) {
    try (var scorer = new Scorer(models.get(type), options.kvType(), options.threads());
        var reference = new Scorer(models.get(DType.F32), KvLayout.Type.F16, options.threads())) {
      if (!meter.asks(scorer)) {
        results.note(type + " has no chat template, and is not given the tasks.");
      }
      meter.measure(scorer, Optional.of(reference), results, GROUP, ModelBench.optionName(type));
    }
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
