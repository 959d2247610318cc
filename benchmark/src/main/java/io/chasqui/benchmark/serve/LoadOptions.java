package io.chasqui.benchmark.serve;

import io.chasqui.benchmark.results.Results;
import java.text.DecimalFormat;
import java.text.DecimalFormatSymbols;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Option;

/** When requests are sent, and for how long: options of {@link ServeBench}. */
final class LoadOptions {
  private static final double HIGHEST_RATE = 1e6;

  @Option(
      names = "--arrivals",
      paramLabel = "NAME",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE})")
  private Arrivals arrivals = Arrivals.POISSON;

  @Option(
      names = "--burst",
      paramLabel = "N",
      description = "requests of a burst (default: ${DEFAULT-VALUE})")
  private int burst = 8;

  @Option(
      names = "--rates",
      split = ",",
      paramLabel = "N",
      description = "requests a second (default: 1,2,4,8,16)")
  private List<Double> rates = List.of(1.0, 2.0, 4.0, 8.0, 16.0);

  @Option(
      names = "--duration",
      paramLabel = "S",
      description = "measured seconds of each rate (default: ${DEFAULT-VALUE})")
  private double duration = 30;

  @Option(
      names = "--warm-up",
      paramLabel = "S",
      description =
          "seconds at a rate before they are measured, and of single requests before all"
              + " (default: ${DEFAULT-VALUE})")
  private double warmUp = 5;

  @Option(
      names = "--timeout",
      paramLabel = "S",
      description = "seconds that an answer may take, from its time (default: ${DEFAULT-VALUE})")
  private double timeout = 60;

  @Option(
      names = {"-r", "--rounds"},
      paramLabel = "N",
      description = "how often each has its turn (default: ${DEFAULT-VALUE})")
  private int rounds = 3;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "of arrivals and choice of prompts (default: ${DEFAULT-VALUE})")
  private long seed = 1;

  int rounds() {
    return rounds;
  }

  long seed() {
    return seed;
  }

  /** Requests a second, the lowest first. */
  List<Double> rates() {
    return rates.stream().sorted().distinct().toList();
  }

  ServeLoad load() {
    return new ServeLoad(
        arrivals, burst, duration, warmUp, Duration.ofMillis(Math.round(timeout * 1000)), seed);
  }

  /** Checks the numbers before anything runs. */
  void check() {
    if (rounds < 1 || burst < 1) {
      throw new IllegalArgumentException("--rounds and --burst must be at least 1");
    }
    if (!(duration > 0) || !(warmUp >= 0) || !(timeout > 0)) {
      throw new IllegalArgumentException(
          "--duration and --timeout must be above 0, --warm-up at least 0");
    }
    if (rates.isEmpty() || rates.stream().anyMatch(rate -> !(rate > 0 && rate <= HIGHEST_RATE))) {
      throw new IllegalArgumentException("--rates must be above 0, and at most a million");
    }
  }

  void tell(Results.Builder results) {
    results
        .option("arrivals", pattern())
        .option("rates", rates())
        .option("duration", duration)
        .option("warm-up", warmUp)
        .option("timeout", timeout)
        .option("rounds", rounds);
  }

  /** A sentence for the reader of the results. */
  @Override
  public String toString() {
    return "%s of each rate are measured after %s of warm-up; %s"
        .formatted(
            seconds(duration),
            seconds(warmUp),
            arrivals == Arrivals.BURST ? pattern() : pattern() + " arrivals");
  }

  private String pattern() {
    return arrivals == Arrivals.BURST ? "bursts of " + burst : arrivals.toString();
  }

  private static String seconds(double seconds) {
    return new DecimalFormat("0.###", DecimalFormatSymbols.getInstance(Locale.ROOT)).format(seconds)
        + " s";
  }
}
