package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.Tool;
import io.chasqui.benchmark.results.Better;
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
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Measures what malformed, oversized, truncated and slow requests do to the streams beside them: in
 * each round the streams run alone, and then as long beside the requests. Exits with 1 if one of
 * these was answered with a server's error, or not at all.
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
  private static final Subject AFTER = Subject.of("after", "after them");

  private static final double MB = 1e6;

  private static final String STREAMS = "streams";
  private static final String HOSTILE = "hostile requests";
  private static final String HELD = "what the server holds";

  private static final Quantity SENT = new Quantity("sent", "requests/s", Better.NEITHER, 1);
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
    if (rounds < 1 || streams < 1 || requests < rounds || !(rate > 0)) {
      throw new IllegalArgumentException(
          "--rounds and --streams must be at least 1, --requests at least --rounds, --rate above 0");
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
            .option("rate", rate);
    try (PackedModel model = Servers.open(file);
        var server =
            new Server(
                servers.chasqui(present, file.map(Path::toAbsolutePath), Servers.POSITIONS, log))) {
      server.awaitHealthy();
      for (Subject subject : List.of(ALONE, BESIDE, AFTER)) {
        results.subject(
            servers.describe(subject, present, Weights.of(Servers.name(file), model), server));
      }
      HostileTally tally = measure(server, model, results);
      tellErrors(server, log);
      output.tell(results.build(), System.out);
      return tally.isSound() ? 0 : 1;
    }
  }

  /**
   * Adds what all rounds came to.
   *
   * @return what became of the hostile requests, those of the warm-up included
   */
  private HostileTally measure(Server server, PackedModel model, Results.Builder results)
      throws IOException, InterruptedException {
    var tally = new HostileTally();
    var meter =
        new AbuseMeter(
            server,
            new StreamMeter(server, model.tokenizer()),
            new AbuseMeter.Load(streams, Math.ceilDiv(requests, rounds), rate),
            tally,
            new SplittableRandom(seed));
    measure(server, meter, results);
    tally.addTo(results, HOSTILE, BESIDE.id());
    return tally;
  }

  private void measure(Server server, AbuseMeter meter, Results.Builder results)
      throws IOException, InterruptedException {
    tell("warm-up");
    meter.alone();
    meter.beside();
    rest();
    Server.Holdings before = server.holdings();
    Server.Holdings held = before;
    for (int round = 1; round <= rounds; round++) {
      tell("round %d of %d: alone".formatted(round, rounds));
      StreamQuantity.add(results, STREAMS, ALONE.id(), meter.alone());
      tell("round %d of %d: beside hostile requests".formatted(round, rounds));
      AbuseMeter.Beside beside = meter.beside();
      StreamQuantity.add(results, STREAMS, BESIDE.id(), beside.numbers());
      results.add(HOSTILE, SENT, BESIDE.id(), beside.perSecond());
      held = beside.held();
    }
    rest();
    hold(results, ALONE, before);
    hold(results, BESIDE, held);
    hold(results, AFTER, server.holdings());
    results.note(
        ("The server was asked what it holds before the first round, when the last hostile request"
                + " was sent, and %d s after it.")
            .formatted(SECONDS_OF_REST));
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
