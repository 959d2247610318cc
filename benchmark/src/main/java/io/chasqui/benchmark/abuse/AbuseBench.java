package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.Better;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.benchmark.servers.PeerDirectory;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.Servers;
import io.chasqui.benchmark.servers.Servers.Variant;
import io.chasqui.benchmark.servers.Servers.Weights;
import io.chasqui.benchmark.streams.StreamMeter;
import io.chasqui.benchmark.streams.StreamQuantity;
import io.chasqui.model.CpuLimit;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Measures what malformed, oversized, truncated and slow requests do to the streams beside them: in
 * each round the streams run alone, and then as long beside the requests; and then beside greedy
 * clients, whose requests are right and ask for as much as a request may. Exits with 1 if a request
 * was answered with a server's error, or not at all, or if greedy clients open gaps in the streams:
 * the 99th percentile of the gaps may be 3 times their median, or what it is alone.
 */
@Command(
    name = "chasqui bench abuse",
    description = "Measures streams beside requests that no client should send.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
public final class AbuseBench implements Callable<Integer> {
  /** After so long the threads of a pool that nobody needs have ended. */
  private static final int SECONDS_OF_REST = 40;

  private static final String ERROR = " ERROR ";

  private static final Subject ALONE = Subject.of("alone", "alone").asBaseline();
  private static final Subject BESIDE = Subject.of("beside", "beside hostile requests");
  private static final Subject GREEDY = Subject.of("greedy", "beside greedy clients");
  private static final Subject AFTER = Subject.of("after", "after them");

  private static final double MB = 1e6;

  /**
   * The 99th percentile of the gaps beside greedy clients may be so many times their median, or as
   * many times as that of streams alone: a noisy machine opens gaps by itself.
   */
  private static final double MAX_SPREAD = 3;

  private static final String STREAMS = "streams";
  private static final String HOSTILE = "hostile requests";
  private static final String HELD = "what the server holds";

  private static final Quantity SENT = new Quantity("sent", "requests/s", Better.NEITHER, 1);
  private static final Quantity FAULTS =
      Quantity.lower("greedy requests with a server's error or no answer", "", 0);
  private static final Quantity RESIDENT = Quantity.lower("resident", "MB", 1);
  private static final Quantity FILES = Quantity.lower("open files", "", 0);
  private static final Quantity THREADS = Quantity.lower("threads", "", 0);

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
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each has its turn (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(
      names = "--streams",
      paramLabel = "N",
      description = "how many run at once (default: ${DEFAULT-VALUE})")
  private int streams = 4;

  @Option(
      names = "--requests",
      paramLabel = "N",
      description =
          "hostile requests of all rounds; the warm-up sends more (default: ${DEFAULT-VALUE})")
  private int requests = 10_000;

  @Option(
      names = "--rate",
      paramLabel = "N",
      description =
          "hostile requests a second, which decides how long a round takes"
              + " (default: ${DEFAULT-VALUE})")
  private double rate = 200;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "of all requests (default: a new one, which is told)")
  private long seed = new SplittableRandom().nextLong();

  @Option(
      names = "--greedy",
      paramLabel = "N",
      description =
          "greedy clients at once: of 64 choices, stop sequences that nearly match, log"
              + " probabilities, 16 beams, and the highest urgency in turn"
              + " (default: ${DEFAULT-VALUE})")
  private int greedy = GreedyKind.values().length;

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    Tool.endChildrenWithThisProcess();
    System.exit(commandLine().execute(args));
  }

  public static CommandLine commandLine() {
    return Tool.commandLine(new AbuseBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    if (rounds < 1 || streams < 1 || greedy < 1 || requests < rounds || !(rate > 0)) {
      throw new IllegalArgumentException(
          "--rounds, --streams and --greedy must be at least 1, --requests at least --rounds, --rate above 0");
    }
    Path root = Path.of(System.getProperty("chasqui.root"));
    // The server's output has its place beside the program.
    var directory = new PeerDirectory(root.resolve("target"));
    var servers = new Servers(root, directory, CpuLimit.processors());
    Variant present =
        servers
            .present(variant.map(Set::of).orElse(Set.of()), EnumSet.of(servers.jvm()))
            .getFirst();
    Path log = directory.log("abuse-" + present);
    tell("start of %s, seed %d; its output goes to %s".formatted(present, seed, log));
    Results.Builder results =
        Results.begin("abuse", seed, Machine.environment())
            .option("rounds", rounds)
            .option("streams", streams)
            .option("requests", requests)
            .option("rate", rate)
            .option("greedy", greedy);
    try (PackedModel model = Servers.open(file);
        var server =
            new Server(
                servers.chasqui(present, file.map(Path::toAbsolutePath), Servers.POSITIONS, log))) {
      server.awaitHealthy();
      for (Subject subject : List.of(ALONE, BESIDE, GREEDY, AFTER)) {
        results.subject(
            servers.describe(subject, present, Weights.of(Servers.name(file), model), server));
      }
      boolean isSound = measure(server, model, results);
      tellErrors(server, log);
      output.tell(results.build(), System.out);
      return isSound ? 0 : 1;
    }
  }

  /**
   * Adds what all rounds came to.
   *
   * @return whether no request was answered with a server's error, or not at all, and greedy
   *     clients opened no gaps
   */
  private boolean measure(Server server, PackedModel model, Results.Builder results)
      throws IOException, InterruptedException {
    var tally = new HostileTally();
    var meter =
        new AbuseMeter(
            server,
            new StreamMeter(server, model.tokenizer()),
            new AbuseMeter.Load(streams, Math.ceilDiv(requests, rounds), rate),
            tally,
            new SplittableRandom(seed));
    boolean isFair = measure(server, meter, greedyBodies(model), results);
    tally.addTo(results, HOSTILE, BESIDE.id());
    return isFair && tally.isSound();
  }

  private List<String> greedyBodies(PackedModel model) {
    int token = StreamMeter.token(model.tokenizer().encodeOrdinary(StreamMeter.TEXT));
    int vocabulary = model.tokenizer().vocabularySize();
    return IntStream.range(0, greedy)
        .mapToObj(i -> GreedyKind.values()[i % GreedyKind.values().length])
        .map(kind -> kind.json(vocabulary, token, StreamMeter.TEXT))
        .toList();
  }

  private boolean measure(
      Server server, AbuseMeter meter, List<String> greedyBodies, Results.Builder results)
      throws IOException, InterruptedException {
    tell("warm-up");
    meter.alone();
    meter.beside();
    meter.besideGreedy(server.url(), greedyBodies);
    rest();
    Server.Holdings before = server.holdings();
    Server.Holdings held = before;
    List<Double> spreadsAlone = new ArrayList<>();
    List<Double> spreads = new ArrayList<>();
    int faults = 0;
    for (int round = 1; round <= rounds; round++) {
      tell("round %d of %d: alone".formatted(round, rounds));
      Map<StreamQuantity, Double> alone = meter.alone();
      StreamQuantity.add(results, STREAMS, ALONE.id(), alone);
      spreadsAlone.add(alone.get(StreamQuantity.ITL_SPREAD));
      tell("round %d of %d: beside hostile requests".formatted(round, rounds));
      AbuseMeter.Beside beside = meter.beside();
      StreamQuantity.add(results, STREAMS, BESIDE.id(), beside.numbers());
      results.add(HOSTILE, SENT, BESIDE.id(), beside.perSecond());
      held = beside.held();
      tell("round %d of %d: beside greedy clients".formatted(round, rounds));
      AbuseMeter.Greedy besideGreedy = meter.besideGreedy(server.url(), greedyBodies);
      StreamQuantity.add(results, STREAMS, GREEDY.id(), besideGreedy.numbers());
      results.add(STREAMS, FAULTS, GREEDY.id(), besideGreedy.faults());
      spreads.add(besideGreedy.numbers().get(StreamQuantity.ITL_SPREAD));
      faults += besideGreedy.faults();
    }
    rest();
    hold(results, ALONE, before);
    hold(results, BESIDE, held);
    hold(results, AFTER, server.holdings());
    results.note(
        ("The server was asked what it holds before the first round, when the last hostile request"
                + " was sent, and %d s after it.")
            .formatted(SECONDS_OF_REST));
    double spread = Measurement.median(spreads);
    double most = Math.max(MAX_SPREAD, Measurement.median(spreadsAlone));
    if (spread > most) {
      tell(
          "greedy clients open gaps: their 99th percentile is %.1f times the median, and may be %.1f times"
              .formatted(spread, most));
    }
    return spread <= most && faults == 0;
  }

  private static void hold(Results.Builder results, Subject subject, Server.Holdings held) {
    results
        .add(HELD, RESIDENT, subject.id(), held.resident().all() / MB)
        .add(HELD, FILES, subject.id(), held.files())
        .add(HELD, THREADS, subject.id(), held.threads());
  }

  private static void rest() throws InterruptedException {
    tell("%d s of rest, until threads without work have ended".formatted(SECONDS_OF_REST));
    TimeUnit.SECONDS.sleep(SECONDS_OF_REST);
  }

  private static void tellErrors(Server server, Path log) throws IOException {
    long errors = server.output().lines().filter(line -> line.contains(ERROR)).count();
    if (errors > 0) {
      tell("the server has logged %d errors, see %s".formatted(errors, log));
    }
  }

  private static void tell(String message) {
    System.err.println("chasqui: " + message);
  }
}
