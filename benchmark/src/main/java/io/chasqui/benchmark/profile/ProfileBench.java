package io.chasqui.benchmark.profile;

import io.chasqui.benchmark.CompilerWarmUp;
import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.forward.BenchedModel;
import io.chasqui.benchmark.forward.ModelRunner;
import io.chasqui.benchmark.results.Better;
import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.CpuLimit;
import io.chasqui.model.Decoder;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.text.ParseException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.logging.Level;
import java.util.logging.Logger;
import jdk.jfr.Configuration;
import jdk.jfr.Recording;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Tells where the time of the forward pass goes, operation by operation, and how near each comes to
 * what the machine can do: the roofline (Williams, Waterman and Patterson, 2009).
 */
@Command(
    name = "chasqui bench profile",
    description = "Tells where the time of the forward pass goes.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class ProfileBench implements Callable<Integer> {
  private static final Logger LOG = Logger.getLogger("io.chasqui");
  private static final String SUBJECT = "chasqui";
  private static final String LIMITS = "what the machine can do";

  /** Tokens of each sequence before those that are generated. */
  private static final int DEPTH = 128;

  private static final int MANY = 16;

  /** As of {@link ModelRunner}. */
  private static final int CALLS_TO_COMPILE = 6000;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "a packed model (default: the demo model)")
  private Optional<Path> file = Optional.empty();

  @Option(
      names = {"-p", "--n-prompt"},
      paramLabel = "N",
      description = "tokens of a prompt (default: 512, or what the model's context has)")
  private Optional<Integer> prompt = Optional.empty();

  @Option(
      names = {"-n", "--n-gen"},
      paramLabel = "N",
      description = "tokens to generate with each sequence (default: ${DEFAULT-VALUE})")
  private int generated = 64;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      description = "default: as many processors as this process may use")
  private int threads = CpuLimit.processors();

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each runs (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "of prompts and draws (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  @Option(
      names = "--jfr",
      paramLabel = "FILE",
      description = "keeps a recording of the JDK's flight recorder, settings 'profile'")
  private Optional<Path> jfr = Optional.empty();

  @Mixin private ResultOptions output = new ResultOptions();

  /**
   * What is run in one go.
   *
   * @param tokens to generate; 0: the prompt is what is measured
   */
  private record Phase(String title, int sequences, int prompt, int tokens) {
    private long tokensInAll() {
      return (long) sequences * (tokens == 0 ? prompt : tokens);
    }

    private void run(ProfileRun run) {
      if (tokens == 0) {
        run.prefill();
      } else {
        run.decode(tokens);
      }
    }
  }

  /** Runs the command line. */
  public static void main(String... args) {
    LOG.setLevel(Level.WARNING); // the kernels' name is in the results
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new ProfileBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1 || threads < 1 || generated < 1 || prompt.orElse(1) < 1) {
      throw new IllegalArgumentException("-p, -n, --threads and --rounds must be at least 1");
    }
    try (PackedModel model = Servers.open(file)) {
      List<Phase> phases = phases(Decoder.maxContext(model.config()));
      Environment environment = Machine.environment();
      Results.Builder results =
          Results.begin("profile", seed, environment)
              .option("n-prompt", phases.getFirst().prompt())
              .option("n-gen", generated)
              .subject(BenchedModel.subject(SUBJECT, "Chasqui", model, KvLayout.Type.F16, threads));
      try (Recording recording = recording()) {
        measure(model, phases, environment, results);
        if (recording != null) {
          recording.stop();
          recording.dump(jfr.orElseThrow());
        }
      }
      results.note(
          "The roof is the nearer of two limits: memory's, and that of multiplying. Weights that"
              + " stay in caches are read faster than memory. Where other programs take processors,"
              + " threads wait for each other at barriers.");
      output.tell(results.build(), System.out);
    }
    return 0;
  }

  private List<Phase> phases(int context) {
    int tokens = prompt.orElse(Math.min(512, context));
    if (tokens > context || DEPTH + generated > context) {
      throw new IllegalArgumentException(
          "-p, and %d more than -n, must be within the context of %d".formatted(DEPTH, context));
    }
    return List.of(
        new Phase("prefill of %d tokens".formatted(tokens), 1, tokens, 0),
        decode("decode, 1 sequence", 1),
        decode("decode, %d sequences".formatted(MANY), MANY));
  }

  private Phase decode(String title, int sequences) {
    return new Phase(title, sequences, DEPTH, generated);
  }

  private Recording recording() throws IOException {
    if (jfr.isEmpty()) {
      return null;
    }
    try {
      var recording = new Recording(Configuration.getConfiguration("profile"));
      recording.start();
      return recording;
    } catch (ParseException e) {
      throw new IOException("this JDK has no settings 'profile': " + e.getMessage(), e);
    }
  }

  private void measure(
      PackedModel model, List<Phase> phases, Environment environment, Results.Builder results)
      throws InterruptedException {
    List<ProfileResults.Round> measured = new ArrayList<>();
    for (Phase phase : phases) {
      measured.addAll(measure(model, phase));
    }
    var limits = new ProfileResults.Limits(environment.memoryBandwidth(), peaks(measured));
    addLimits(results, limits);
    var added = new ProfileResults(results, SUBJECT, threads, limits);
    measured.forEach(added::add);
  }

  /** Measured for each type that the model has. */
  private Map<DType, Double> peaks(List<ProfileResults.Round> measured)
      throws InterruptedException {
    Map<DType, Double> peaks = new EnumMap<>(DType.class);
    for (ProfileResults.Round round : measured) {
      for (Operation each : round.operations().keySet()) {
        if (each.dtype().isPresent() && !peaks.containsKey(each.dtype().get())) {
          DType dtype = each.dtype().get();
          tell("what can be multiplied: " + dtype);
          peaks.put(dtype, ComputePeak.measure(Kernels.best(), dtype, threads));
        }
      }
    }
    return peaks;
  }

  private static void addLimits(Results.Builder results, ProfileResults.Limits limits) {
    results.add(
        LIMITS,
        new Quantity("memory, read", "GB/s", Better.NEITHER, 1),
        SUBJECT,
        limits.bandwidth() / 1e9);
    limits
        .macs()
        .forEach((dtype, macs) ->
            results.add(
                LIMITS,
                new Quantity("products, " + dtype, "GMAC/s", Better.NEITHER, 1),
                SUBJECT,
                macs / 1e9));
  }

  private List<ProfileResults.Round> measure(PackedModel model, Phase phase) {
    List<ProfileResults.Round> measured = new ArrayList<>();
    var kernels = new ProfiledKernels(Kernels.best());
    try (ProfileRun run = run(model, phase, kernels);
        ProfileRun plain = run(model, phase, Kernels.best())) {
      tell(phase.title() + ": warm-up");
      warmUp(model, phase, run);
      warmUp(model, phase, plain);
      for (int round = 1; round <= rounds; round++) {
        tell("%s: round %d of %d".formatted(phase.title(), round, rounds));
        kernels.reset();
        run.reset();
        phase.run(run);
        plain.reset();
        phase.run(plain);
        measured.add(
            new ProfileResults.Round(
                phase.title(),
                phase.tokensInAll(),
                run.forwardNanos(),
                run.samplingNanos(),
                run.samplerNanos(),
                kernels.sums(),
                plain.forwardNanos() + plain.samplingNanos()));
      }
    }
    return measured;
  }

  private ProfileRun run(PackedModel model, Phase phase, Kernels kernels) {
    return new ProfileRun(
        model, kernels, threads, phase.sequences(), phase.prompt(), phase.tokens(), seed);
  }

  /** Prompts are there afterwards. */
  private void warmUp(PackedModel model, Phase phase, ProfileRun run) {
    run.prefill();
    int calls = model.config().layers() * threads * Math.max(1, phase.tokens());
    // A prompt's calls are few and long: little of its time is the JVM's.
    int times = phase.tokens() == 0 ? 1 : Math.ceilDiv(CALLS_TO_COMPILE, calls);
    CompilerWarmUp.run(
        times,
        count -> {
          for (int i = 0; i < count; i++) {
            phase.run(run);
          }
        });
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
