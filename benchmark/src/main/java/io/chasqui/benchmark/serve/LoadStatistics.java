package io.chasqui.benchmark.serve;

import io.chasqui.benchmark.results.Better;
import io.chasqui.benchmark.results.Quantity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * What the answers of a rate come to. Latencies and goodput are of the requests that were to be
 * sent in the measured time, whenever they were answered; throughput is of what came in the
 * measured time, whenever it was asked for.
 */
public final class LoadStatistics {
  private static final double MILLI = 1e6;
  private static final double SECOND = 1e9;
  private static final double HUNDRED_PERCENT = 100;
  private static final int SIGNIFICANT_DIGITS = 3;
  private static final double[] PERCENTILES = {50, 90, 99};

  /** Latencies are kept as microseconds. */
  private static final double UNITS_OF_A_MILLI = 1000;

  private final List<Answer> all;
  private final List<Answer> measured;
  private final long begin;
  private final long end;

  /**
   * @param all answers, those of the warm-up too
   * @param begin of the measured time
   * @param end of it
   */
  public LoadStatistics(List<Answer> all, long begin, long end) {
    this.all = List.copyOf(all);
    this.begin = begin;
    this.end = end;
    measured =
        all.stream()
            .filter(answer -> answer.scheduled() >= begin && answer.scheduled() < end)
            .toList();
  }

  /** Complete answers of the warm-up and the measured time. */
  public List<Answer> complete() {
    return all.stream().filter(Answer::isComplete).toList();
  }

  /** Requests of the measured time. */
  public int requests() {
    return measured.size();
  }

  /** How many requests of the measured time had an outcome other than a complete answer. */
  public Map<String, Long> failures() {
    Map<String, Long> failures = new TreeMap<>();
    measured.stream()
        .filter(answer -> !answer.isComplete())
        .forEach(answer -> failures.merge(answer.outcome(), 1L, Long::sum));
    return failures;
  }

  /** The part of the requests that keep limits, from 0 to 1; of none, all do. */
  public double within(LatencyLimits limits) {
    return measured.isEmpty() ? 1 : good(limits) / (double) measured.size();
  }

  private long good(LatencyLimits limits) {
    return measured.stream().filter(limits::keeps).count();
  }

  /** All quantities; those of latencies only if there is a complete answer. */
  public Map<Quantity, Double> quantities() {
    Map<Quantity, Double> numbers = new LinkedHashMap<>();
    List<Answer> answers = measured.stream().filter(Answer::isComplete).toList();
    percentiles(numbers, "TTFT", answers.stream().mapToDouble(Answer::firstTokenMillis));
    percentiles(numbers, "ITL", answers.stream().flatMapToDouble(LoadStatistics::gaps));
    percentiles(
        numbers,
        "TPOT",
        answers.stream().flatMapToDouble(answer -> answer.perTokenMillis().stream()));
    percentiles(numbers, "end-to-end", answers.stream().mapToDouble(Answer::endToEndMillis));
    for (LatencyLimits limits : LatencyLimits.values()) {
      numbers.put(
          Quantity.higher("within " + limits.title + " limits", "%", 1),
          HUNDRED_PERCENT * within(limits));
      numbers.put(
          Quantity.higher("goodput at " + limits.title + " limits", "requests/s", 2),
          good(limits) / seconds());
    }
    numbers.put(
        Quantity.higher("completed", "requests/s", 2),
        all.stream()
                .filter(Answer::isComplete)
                .filter(answer -> answer.end() >= begin && answer.end() < end)
                .count()
            / seconds());
    numbers.put(
        Quantity.higher("output", "tokens/s", 1),
        all.stream().mapToDouble(answer -> answer.tokensBetween(begin, end)).sum() / seconds());
    numbers.put(Quantity.count("requests"), (double) measured.size());
    numbers.put(Quantity.lower("failed", "", 0), (double) (measured.size() - answers.size()));
    numbers.put(
        Quantity.lower("refused (429)", "", 0),
        (double) failures().getOrDefault(Answer.REFUSED, 0L));
    describe(numbers, "prompt, mean", "tokens", answers.stream().mapToDouble(Answer::promptTokens));
    describe(numbers, "answer, mean", "tokens", answers.stream().mapToDouble(Answer::tokens));
    numbers.put(
        Quantity.lower("client's delay p99", "ms", 2),
        histogram(measured.stream().mapToDouble(Answer::sendDelayMillis)).getValueAtPercentile(99)
            / UNITS_OF_A_MILLI);
    return numbers;
  }

  private double seconds() {
    return (end - begin) / SECOND;
  }

  /** Between two events with text: of a server that sends some tokens together, theirs. */
  private static DoubleStream gaps(Answer answer) {
    List<Double> gaps = new ArrayList<>();
    for (int i = 1; i < answer.events().size(); i++) {
      gaps.add((answer.events().get(i) - answer.events().get(i - 1)) / MILLI);
    }
    return gaps.stream().mapToDouble(gap -> gap);
  }

  private static void percentiles(Map<Quantity, Double> numbers, String name, DoubleStream millis) {
    Histogram histogram = histogram(millis);
    if (histogram.getTotalCount() > 0) {
      for (double percentile : PERCENTILES) {
        numbers.put(
            Quantity.lower("%s p%.0f".formatted(name, percentile), "ms", 1),
            histogram.getValueAtPercentile(percentile) / UNITS_OF_A_MILLI);
      }
    }
  }

  private static Histogram histogram(DoubleStream millis) {
    var histogram = new Histogram(SIGNIFICANT_DIGITS);
    millis.forEach(
        value -> histogram.recordValue(Math.max(0, Math.round(value * UNITS_OF_A_MILLI))));
    return histogram;
  }

  private static void describe(
      Map<Quantity, Double> numbers, String name, String unit, DoubleStream values) {
    values
        .average()
        .ifPresent(mean -> numbers.put(new Quantity(name, unit, Better.NEITHER, 1), mean));
  }

  /** What servers have said of failures, an example of each outcome. */
  public Stream<String> messages() {
    Map<String, String> examples = new TreeMap<>();
    all.stream()
        .filter(answer -> !answer.isComplete())
        .forEach(answer -> examples.putIfAbsent(answer.outcome(), answer.message()));
    return examples.entrySet().stream().map(each -> each.getKey() + ": " + each.getValue());
  }
}
