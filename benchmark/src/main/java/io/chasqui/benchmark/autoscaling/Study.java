package io.chasqui.benchmark.autoscaling;

import io.chasqui.benchmark.autoscaling.Simulation.Setup;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The questions that are put to the simulation, each with the runs that answer it. Where one of
 * several settings is chosen, it is the one with the most good answers for each pod-hour: goodput
 * for what it costs. Knative's default, and a containerConcurrency of as many requests as a pod
 * runs at once, stay unless another gives 2 % more.
 */
public final class Study {
  private static final double WORTH_A_CHANGE = 1.02;
  private static final List<Integer> CONCURRENCIES = List.of(1, 2, 4, 8, 16, 32);
  private static final List<Integer> UTILIZATIONS = List.of(50, 70, 100);
  private static final List<Integer> WINDOWS = List.of(60, 30, 120);
  private static final List<Integer> BURST_CAPACITIES = List.of(211, -1, 0);

  private static final double HOUR = 3600;
  private static final double BURST_EVERY = 600;
  private static final double BURST_LENGTH = 60;

  /** Requests an hour of a day that is not busy, and of a busy one's night. */
  private static final double FEW = 12;

  /** Times a day's busiest time, for what only many pods show. */
  private static final double MANY = 20;

  private static final double STEADY_WARM_UP = 180;

  /** Close to what a steady rate comes to, so that it is soon steady. */
  private static final double MORE_THAN_LEAST = 1.15;

  private static final double MOST_REQUESTS = 300_000;

  private final Options options;
  private final Consumer<String> progress;
  private final List<Run> concurrencies;
  private final List<Run> windows;
  private final List<Run> burstCapacities;
  private final List<Run> rates;
  private final List<Run> days;
  private final List<Run> bursts;
  private final Scaling recommended;

  /**
   * What may differ between two studies.
   *
   * @param slots requests that a pod runs at once
   * @param coldStarts seconds until a pod is ready; the first is that of all other questions
   * @param rates requests a second, to tell how many pods they need
   * @param peak requests a second of a day's busiest time; bursts have twice as many
   */
  public record Options(
      ServiceTimes times,
      int slots,
      Lengths lengths,
      List<Double> coldStarts,
      List<Double> rates,
      double peak,
      Limits limits,
      long seed) {
    /**
     * @throws IllegalArgumentException if a number is out of its range
     */
    public Options {
      coldStarts = List.copyOf(coldStarts);
      rates = List.copyOf(rates);
      requirePositive("--slots", slots);
      requirePositive("--peak", peak);
      rates.forEach(rate -> requirePositive("--rates", rate));
      coldStarts.forEach(seconds -> requirePositive("--cold-starts", seconds));
    }

    private static void requirePositive(String option, double value) {
      if (!(0 < value && value < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(option + " must be above 0");
      }
    }
  }

  /** A simulation, and what it came to. */
  public record Run(Scaling scaling, Setup setup, Outcome outcome) {
    /** Whether it ran with this scaling, whatever the bounds of pods are. */
    boolean isOf(Scaling other) {
      return scaling.withPods(0, 0, 0).equals(other.withPods(0, 0, 0));
    }

    /** Answers within the limits for each pod-hour. */
    public double goodPerPodHour() {
      return outcome.good() / outcome.podHours();
    }
  }

  private Study(Options options, Consumer<String> progress) {
    this.options = options;
    this.progress = progress;
    Setup day = setup(Traffic.day(options.peak(), FEW), coldStart(), 0);
    concurrencies =
        Stream.concat(CONCURRENCIES.stream(), Stream.of(options.slots()))
            .sorted()
            .distinct()
            .flatMap(concurrency ->
                UTILIZATIONS.stream()
                    .map(utilization -> Scaling.defaults(concurrency).withUtilization(utilization)))
            .map(scaling -> run(scaling, day))
            .toList();
    Scaling usual = Scaling.defaults(options.slots());
    Scaling best = best(concurrencies, usual);

    windows = WINDOWS.stream().map(best::withWindow).map(each -> run(each, day)).toList();
    best = best(windows, best);

    burstCapacities =
        BURST_CAPACITIES.stream()
            .map(best::withTargetBurstCapacity)
            .map(scaling -> runSteadily(scaling, MANY * options.peak()))
            .toList();
    recommended = best(burstCapacities, best);

    rates = options.rates().stream().map(rate -> runSteadily(recommended, rate)).toList();
    days = Stream.of(day.traffic(), Traffic.sparse(FEW)).flatMap(this::days).toList();
    bursts =
        options.coldStarts().stream()
            .map(coldStart -> run(recommended, bursts(coldStart)))
            .toList();
  }

  /**
   * Runs all simulations.
   *
   * @param progress is told what is asked
   */
  public static Study run(Options options, Consumer<String> progress) {
    return new Study(options, progress);
  }

  private Stream<Run> days(Traffic traffic) {
    List<Run> runs = new ArrayList<>();
    for (int least = 0; least <= 1; least++) {
      Scaling scaling = recommended.withPods(least, least, 0);
      for (double coldStart : options.coldStarts()) {
        runs.add(run(scaling, setup(traffic, coldStart, 0)));
      }
    }
    return runs.stream();
  }

  private double coldStart() {
    return options.coldStarts().getFirst();
  }

  /** Two hours of bursts after one that is not measured. */
  private Setup bursts(double coldStart) {
    return setup(
        Traffic.bursts(
            options.peak() * 0.4, options.peak() * 2, BURST_EVERY, BURST_LENGTH, 3 * HOUR),
        coldStart,
        HOUR);
  }

  private Setup setup(Traffic traffic, double coldStart, double warmUp) {
    return new Setup(
        options.times(),
        options.slots(),
        options.lengths(),
        coldStart,
        traffic,
        warmUp,
        options.limits(),
        options.seed());
  }

  /** A steady rate. */
  private Run runSteadily(Scaling scaling, double rate) {
    double seconds = Math.clamp(MOST_REQUESTS / rate, 30, HOUR);
    int pods = (int) Math.ceil(MORE_THAN_LEAST * leastPods(scaling, rate));
    Setup setup =
        setup(Traffic.steady(rate, STEADY_WARM_UP + seconds), coldStart(), STEADY_WARM_UP);
    return run(scaling.withPods(pods, 0, 0), setup);
  }

  private Run run(Scaling scaling, Setup setup) {
    progress.accept(
        "%s; containerConcurrency %d at %d %%, window %d s, burst capacity %d, cold start %.1f s"
            .formatted(
                setup.traffic().title(),
                scaling.containerConcurrency(),
                scaling.utilization(),
                scaling.window(),
                scaling.targetBurstCapacity(),
                setup.coldStart()));
    return new Run(scaling, setup, Simulation.run(scaling, setup));
  }

  /** The best of those that ran, unless it is hardly better than what is usual. */
  private static Scaling best(List<Run> runs, Scaling usual) {
    Run first = runs.stream().filter(run -> run.isOf(usual)).findFirst().orElseThrow();
    Run best = runs.stream().max(Comparator.comparingDouble(Run::goodPerPodHour)).orElseThrow();
    return best.goodPerPodHour() >= WORTH_A_CHANGE * first.goodPerPodHour()
        ? best.scaling().withPods(0, 0, 0)
        : usual;
  }

  /**
   * Pods that a rate needs if their steps are always full: of each request the answer's part of
   * such steps, and the prompt at the time that more tokens take.
   */
  public double leastPods(Scaling scaling, double rate) {
    int streams = Math.min(scaling.containerConcurrency(), options.slots());
    ServiceTimes times = options.times();
    double ofPrompt = times.step(2 * streams) - times.step(streams);
    double seconds =
        (options.lengths().answer() * times.step(streams) + options.lengths().prompt() * ofPrompt)
            / streams;
    return rate * seconds;
  }

  public Options options() {
    return options;
  }

  /** Which containerConcurrency is best, in a day. */
  public List<Run> concurrencies() {
    return concurrencies;
  }

  /** Which stable window is best, in a day. */
  public List<Run> windows() {
    return windows;
  }

  /** Which target burst capacity is best, with many pods. */
  public List<Run> burstCapacities() {
    return burstCapacities;
  }

  /** How many pods each rate needs, with what was chosen. */
  public List<Run> rates() {
    return rates;
  }

  /** What the time of a cold start does in a day, with no pod and with one at least. */
  public List<Run> days() {
    return days;
  }

  /** What the time of a cold start does in bursts. */
  public List<Run> bursts() {
    return bursts;
  }

  /** What was chosen; it bounds the pods by nothing. */
  public Scaling recommended() {
    return recommended;
  }
}
