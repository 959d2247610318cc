package io.chasqui.benchmark.forward;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.NumberRanges;
import io.chasqui.benchmark.Samples;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.Results;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.CpuLimit;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * Measures the forward pass of packed models as llama.cpp's llama-bench does, with its flags, its
 * table and its field names: prompts and generation of random tokens, without tokenizer and
 * sampler.
 *
 * <p>Before the first test of a process, steps of one token run until HotSpot's C2 has compiled
 * what a step calls ({@link ModelRunner#warmUpCompilers}).
 */
@Command(
    name = "chasqui bench model",
    description = "Measures the forward pass of packed models, as llama-bench does.",
    sortOptions = false,
    footer = {
      "",
      "Several values are given with commas between them or by giving the option again;"
          + " 'first-last', 'first-last+step' and 'first-last*factor' are ranges."
    })
public final class ModelBench implements Callable<Integer> {
  private static final Logger LOG = Logger.getLogger("io.chasqui");

  @Spec CommandSpec spec;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Shows this help and exits.")
  boolean help;

  @Option(
      names = {"-m", "--model"},
      required = true,
      split = ",",
      paramLabel = "FILE",
      description = "a packed model")
  List<Path> models;

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "N",
      description = "tokens of a prompt; 0: no such test (default: 512)")
  List<String> prompts;

  @Option(
      names = {"-n", "--n-gen"},
      paramLabel = "N",
      description = "tokens to generate; 0: no such test (default: 128)")
  List<String> generations;

  @Option(
      names = "-pg",
      paramLabel = "PP,TG",
      description = "a prompt and then tokens to generate, timed together (default: none)")
  List<String> pairs = List.of();

  @Option(
      names = {"-d", "--n-depth"},
      paramLabel = "N",
      description = "tokens before those that are timed (default: 0)")
  List<String> depths;

  @Option(
      names = {"-b", "--batch-size"},
      paramLabel = "N",
      description = "tokens of a prompt after which logits are computed (default: 2048)")
  List<String> batches;

  @Option(
      names = {"-ub", "--ubatch-size"},
      paramLabel = "N",
      description = "tokens of a prompt in one step (default: 512)")
  List<String> ubatches;

  @Option(
      names = {"-ctk", "-ctv", "--cache-type"},
      split = ",",
      paramLabel = "TYPE",
      description = "how keys and values are stored, both alike: f16 or i8 (default: f16)")
  List<KvLayout.Type> kvTypes = List.of(KvLayout.Type.F16);

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "default: as many processors as this process may use")
  List<String> threads;

  @Option(
      names = {"-r", "--repetitions"},
      paramLabel = "N",
      description = "how many times each test runs (default: 5)")
  String repetitions = "5";

  @Option(
      names = "--delay",
      paramLabel = "SECONDS",
      description = "how long to wait before each test (default: 0)")
  String delay = "0";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "md, csv, json or jsonl (default: md)")
  ResultWriter.Format format = ResultWriter.Format.MD;

  @Option(
      names = "--record",
      paramLabel = "FILE",
      description = "keeps the run as a record of JSON, for report and compare")
  Optional<Path> record = Optional.empty();

  @Option(names = "--progress", description = "tells on standard error what runs")
  boolean progress;

  @Option(names = "--no-warmup", description = "skips what runs untimed before each test")
  boolean noWarmUp;

  private boolean compilersAreWarm;

  /** Runs the command line. */
  public static void main(String... args) {
    LOG.setLevel(Level.WARNING); // the kernels' name is in every row
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new ModelBench());
  }

  public static String optionName(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    List<ModelTest> tests = tests();
    int times = one("-r", repetitions, 1);
    int seconds = one("--delay", delay, 0);
    var setting =
        new TestResult.Setting(
            Machine.commit(), Machine.cpu(), Kernels.best().name(), Machine.jvm());
    var writer = ResultWriter.of(format, System.out, tests);
    requireFit(tests);
    Optional<Results.Builder> results =
        record.isPresent()
            ? Optional.of(Results.begin("model", ModelRunner.SEED, Machine.environment()))
            : Optional.empty();
    writer.begin();
    for (int i = 0; i < tests.size(); i++) {
      Thread.sleep(1000L * seconds);
      ModelTest test = tests.get(i);
      try (PackedModel model = PackedModel.open(test.model())) {
        String label = "benchmark %d/%d: ".formatted(i + 1, tests.size());
        Instant time = Instant.now();
        Samples samples = measure(model, test, times, label);
        var result =
            new TestResult(
                setting,
                test,
                type(model),
                model.quantization().name(),
                model.weightsDigest(),
                model.weightBytes(),
                model.parameters(),
                time,
                samples);
        writer.write(result);
        results.ifPresent(result::addTo);
      }
    }
    writer.end();
    if (results.isPresent()) {
      results.get().build().write(record.get());
    }
    return 0;
  }

  /** The tests that the options ask for, in llama-bench's order. */
  List<ModelTest> tests() {
    var tests = new ArrayList<ModelTest>();
    List<int[]> lengths =
        Stream.of(
                numbers("-p", prompts, 512, 0).stream().map(n -> new int[] {n, 0}),
                numbers("-n", generations, 128, 0).stream().map(n -> new int[] {0, n}),
                pairs.stream().map(this::pair))
            .flatMap(each -> each)
            .filter(length -> length[0] + length[1] > 0)
            .toList();
    for (Path model : models) {
      for (int batch : numbers("-b", batches, 2048, 1)) {
        for (int ubatch : numbers("-ub", ubatches, 512, 1)) {
          for (KvLayout.Type kvType : new LinkedHashSet<>(kvTypes)) {
            for (int team : numbers("-t", threads, CpuLimit.processors(), 1)) {
              for (int depth : numbers("-d", depths, 0, 0)) {
                for (int[] length : lengths) {
                  tests.add(
                      new ModelTest(
                          model,
                          batch,
                          Math.min(ubatch, batch),
                          kvType,
                          team,
                          depth,
                          length[0],
                          length[1]));
                }
              }
            }
          }
        }
      }
    }
    return tests;
  }

  private int[] pair(String text) {
    int[] pair = Arrays.stream(text.split(",", -1)).mapToInt(n -> one("-pg", n, 0)).toArray();
    if (pair.length != 2) {
      throw invalid("-pg", "'" + text + "' is not two numbers like 512,128");
    }
    return pair;
  }

  private int one(String option, String text, int least) {
    List<Integer> numbers = numbers(option, List.of(text), least, least);
    if (numbers.size() != 1) {
      throw invalid(option, "'" + text + "' is not one number");
    }
    return numbers.getFirst();
  }

  private List<Integer> numbers(String option, List<String> lists, int unless, int least) {
    if (lists == null) {
      return List.of(unless);
    }
    try {
      return lists.stream().flatMap(list -> NumberRanges.parse(list, least).stream()).toList();
    } catch (IllegalArgumentException e) {
      throw invalid(option, e.getMessage());
    }
  }

  private ParameterException invalid(String option, String reason) {
    return new ParameterException(
        spec.commandLine(), "invalid value for %s: %s".formatted(option, reason));
  }

  /** Before the first test, so that an hour of measuring does not end with a wrong file name. */
  private static void requireFit(List<ModelTest> tests) {
    for (Path file : tests.stream().map(ModelTest::model).distinct().toList()) {
      try (PackedModel model = PackedModel.open(file)) {
        for (ModelTest test : tests) {
          if (test.model().equals(file) && test.positions() > model.config().context()) {
            throw new IllegalArgumentException(
                "%s needs %d positions, but %s has a context of %d"
                    .formatted(test.name(), test.positions(), file, model.config().context()));
          }
        }
      }
    }
  }

  private Samples measure(PackedModel model, ModelTest test, int times, String label) {
    tell(label + "starting");
    try (ModelRunner runner = new ModelRunner(model, test)) {
      if (test.depth() > 0) {
        tell(label + "depth of " + test.depth());
        runner.fillDepth();
      }
      if (!noWarmUp) {
        warmUp(runner, label);
      }
      var nanos = new ArrayList<Long>();
      for (int i = 0; i < times; i++) {
        tell(label + "run %d/%d".formatted(i + 1, times));
        nanos.add(runner.run());
      }
      return new Samples(test.tokens(), nanos);
    }
  }

  private void warmUp(ModelRunner runner, String label) {
    if (!compilersAreWarm) {
      tell(label + "warm-up of the JVM");
      runner.warmUpCompilers();
      compilersAreWarm = true;
    }
    tell(label + "warm-up run");
    runner.warmUp();
  }

  private void tell(String message) {
    if (progress) {
      spec.commandLine().getErr().println("chasqui: " + message);
    }
  }

  private static String type(PackedModel model) {
    long parameters = model.parameters();
    String size =
        parameters < 1e9 ? Math.round(parameters / 1e6) + "M" : Math.round(parameters / 1e9) + "B";
    return "%s %s %s"
        .formatted(model.config().architecture().modelType(), size, model.quantization());
  }
}
