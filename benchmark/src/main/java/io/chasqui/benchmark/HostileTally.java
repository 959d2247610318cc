package io.chasqui.benchmark;

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

  /** Of all kinds. */
  synchronized int count(HostileOutcome outcome) {
    return counts.keySet().stream().mapToInt(kind -> count(kind, outcome)).sum();
  }
}
