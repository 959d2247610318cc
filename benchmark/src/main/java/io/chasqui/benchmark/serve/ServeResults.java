package io.chasqui.benchmark.serve;

import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Collects what each server has come to at each rate of each round, and tells it. */
public final class ServeResults {
  /** A group's name stands at its axis too, whose numbers are rates. */
  private static final String LOAD = "requests/s";

  private static final String PARTS = "parts of a request, by requests/s";

  /** One turn of a server. */
  private record Turn(LoadStatistics load, Optional<ServerTimes> times) {
    Map<Quantity, Double> parts() {
      return times.flatMap(each -> LatencySplit.of(load.complete(), each)).orElse(Map.of());
    }
  }

  /** Of a server, by id, and then by rate: a turn each round. */
  private final Map<String, SortedMap<Double, List<Turn>>> turns = new LinkedHashMap<>();

  /** Mean milliseconds of tokenization, by server. */
  private final Map<String, Double> tokenization = new LinkedHashMap<>();

  /**
   * Adds a turn.
   *
   * @param times what the server has told of the same requests, if it tells
   */
  public void add(String server, double rate, LoadStatistics load, Optional<ServerTimes> times) {
    turns
        .computeIfAbsent(server, any -> new TreeMap<>())
        .computeIfAbsent(rate, any -> new ArrayList<>())
        .add(new Turn(load, times));
  }

  /** Tells what the tokenization of a mean prompt takes, measured in this process. */
  public void tokenization(String server, double millis) {
    tokenization.put(server, millis);
  }

  /** Adds all measurements and notes. */
  public void tell(Results.Builder results) {
    Set<Double> rates =
        turns.values().stream()
            .flatMap(each -> each.keySet().stream())
            .collect(Collectors.toCollection(LinkedHashSet::new));
    tellKnees(results);
    for (double rate : rates) {
      turns.forEach((server, each) -> tellLoad(results, server, rate, each.get(rate)));
    }
    for (double rate : rates) {
      turns.forEach((server, each) -> tellParts(results, server, rate, each.get(rate)));
    }
    if (turns.values().stream()
        .flatMap(each -> each.values().stream().flatMap(List::stream))
        .anyMatch(each -> !each.parts().isEmpty())) {
      results.note(
          "Parts are means of all complete answers of a rate, those of the warm-up too. Queue, prefill"
              + " and decode are the server's own; sampling, which Chasqui tells alone, is within the"
              + " last two. The remainder is what is left: HTTP, network and, of prompts sent as text, template and tokenization.");
    }
    if (!tokenization.isEmpty()) {
      results.note(
          "Tokenization, with the template, was measured alone and beforehand in this process, on the"
              + " same prompts: its compilers may have seen more or less of it than the server's.");
    }
    results.note(
        "Rows begin with the rate in requests a second. Latencies count from when a request was to be"
            + " sent, and are of complete answers; all requests count for goodput.");
    results.note(
        "ITL is between two events with text, TPOT the mean time of a token after the first. A p99 of"
            + " fewer than 100 requests is their slowest.");
    for (LatencyLimits limits : LatencyLimits.values()) {
      results.note("MLPerf's limits of Llama 2 70B, " + limits.text() + ".");
    }
  }

  private void tellKnees(Results.Builder results) {
    turns.forEach((server, byRate) -> {
      int rounds = byRate.values().stream().mapToInt(List::size).min().orElse(0);
      for (LatencyLimits limits : LatencyLimits.values()) {
        boolean reached = rounds == 0;
        for (int round = 0; round < rounds; round++) {
          double knee = knee(byRate, round, limits);
          reached |= knee < byRate.lastKey();
          results.add(
              "knee",
              Quantity.higher(
                  "highest rate with 90 %% within %s limits".formatted(limits.title),
                  "requests/s",
                  2),
              server,
              knee);
        }
        if (!reached) {
          results.note(
              "%s has no knee at the %s limits up to the highest rate: higher ones would show it."
                  .formatted(server, limits.title));
        }
      }
    });
    results.note(
        "The knee is the highest rate at which, as at all lower ones that were measured, 90 % of the"
            + " requests keep the limits; 0 if they do not at the lowest.");
  }

  private static double knee(
      SortedMap<Double, List<Turn>> byRate, int round, LatencyLimits limits) {
    SortedMap<Double, Double> parts = new TreeMap<>();
    byRate.forEach((rate, each) -> parts.put(rate, each.get(round).load().within(limits)));
    return Knee.of(parts);
  }

  private static void tellLoad(
      Results.Builder results, String server, double rate, List<Turn> rounds) {
    tellAll(
        results,
        LOAD,
        server,
        rate,
        rounds.stream().map(each -> each.load().quantities()).toList());
    Set<String> outcomes =
        rounds.stream()
            .flatMap(each -> each.load().failures().keySet().stream())
            .filter(outcome -> !outcome.equals(Answer.REFUSED))
            .collect(Collectors.toCollection(LinkedHashSet::new));
    for (String outcome : outcomes) {
      for (Turn each : rounds) {
        results.add(
            LOAD,
            Quantity.lower("failed: " + outcome, "", 0),
            server,
            rate,
            each.load().failures().getOrDefault(outcome, 0L));
      }
    }
  }

  private void tellParts(Results.Builder results, String server, double rate, List<Turn> rounds) {
    List<Map<Quantity, Double>> parts = rounds.stream().map(Turn::parts).toList();
    tellAll(results, PARTS, server, rate, parts);
    boolean isTold = parts.stream().noneMatch(Map::isEmpty);
    Double millis = tokenization.get(server);
    if (isTold && millis != null) {
      for (int round = 0; round < rounds.size(); round++) {
        results.add(
            PARTS, LatencySplit.part("tokenization, in the remainder"), server, rate, millis);
      }
    }
    if (!isTold && rounds.stream().allMatch(each -> each.times().isPresent())) {
      results.note(
          "%s has ended another number of requests than were answered at rate %s: its parts are not"
                  .formatted(server, rate)
              + " told.");
    }
  }

  /** Adds what all rounds have: a value's place in its list is its round. */
  private static void tellAll(
      Results.Builder results,
      String group,
      String server,
      double rate,
      List<Map<Quantity, Double>> rounds) {
    for (Quantity quantity : rounds.getFirst().keySet()) {
      if (rounds.stream().allMatch(each -> each.containsKey(quantity))) {
        rounds.forEach(each -> results.add(group, quantity, server, rate, each.get(quantity)));
      }
    }
  }
}
