package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.results.Results;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** How often what has become of hostile requests. Several threads may add at once. */
final class HostileTally {
  private final Map<HostileKind, Map<HostileOutcome, Integer>> counts =
      new EnumMap<>(HostileKind.class);

  synchronized void add(HostileKind kind, HostileOutcome outcome) {
    counts
        .computeIfAbsent(kind, any -> new EnumMap<>(HostileOutcome.class))
        .merge(outcome, 1, Integer::sum);
  }

  synchronized int count(HostileKind kind, HostileOutcome outcome) {
    return counts.getOrDefault(kind, Map.of()).getOrDefault(outcome, 0);
  }

  /** Whether none was answered with a server's error, or not at all. */
  boolean isSound() {
    return Arrays.stream(HostileOutcome.values())
        .filter(HostileOutcome::isFault)
        .allMatch(outcome -> count(outcome) == 0);
  }

  /** Adds how many there were of each outcome in all, and of each that a kind had. */
  void addTo(Results.Builder results, String group, String subject) {
    for (HostileOutcome outcome : HostileOutcome.values()) {
      results.add(group, outcome.of("all"), subject, count(outcome));
    }
    for (HostileKind kind : HostileKind.values()) {
      for (HostileOutcome outcome : HostileOutcome.values()) {
        int count = count(kind, outcome);
        if (count > 0) {
          results.add(group, outcome.of(kind.title), subject, count);
        }
      }
    }
  }

  /** Of all kinds. */
  synchronized int count(HostileOutcome outcome) {
    return counts.keySet().stream().mapToInt(kind -> count(kind, outcome)).sum();
  }
}
