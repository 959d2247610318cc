package io.chasqui.benchmark.results;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What became better or worse from one run to another of the same scenario. Values of different
 * machines, programs or weights are never compared: they are told with what differs. Exact counts
 * are the same on every machine.
 *
 * <p>A change is more than noise if the ranges of both runs' values do not meet and their medians
 * differ by more than {@link #LEAST}; what was measured fewer than {@link #ENOUGH} times has no
 * range that says anything.
 */
public final class Changes {
  /** Of a median; smaller changes are nobody's business. */
  static final double LEAST = 0.03;

  static final int ENOUGH = 3;

  /** What became of a measurement. */
  public enum Verdict {
    BETTER,
    WORSE,
    /** A count that is another one. */
    OTHER,
    SAME,
    /** Measured too seldom to tell. */
    UNKNOWN,
    /** Not of the same thing. */
    INCOMPARABLE,
    GONE
  }

  /**
   * One of them.
   *
   * @param text for people
   */
  public record Change(Measurement before, Verdict verdict, String text) {
    /** What was measured. */
    public String title() {
      return "%s, %s, %s".formatted(before.group(), before.subject(), Tables.title(before));
    }
  }

  private final Results before;
  private final Results after;

  /**
   * The changes from one run to another.
   *
   * @throws IllegalArgumentException if they are of different scenarios
   */
  public Changes(Results before, Results after) {
    if (!before.scenario().equals(after.scenario())) {
      throw new IllegalArgumentException(
          "'%s' and '%s' are not the same benchmark"
              .formatted(before.scenario(), after.scenario()));
    }
    this.before = before;
    this.after = after;
  }

  /** Of each of the older run's measurements one. */
  public List<Change> all() {
    List<Change> changes = new ArrayList<>();
    for (Measurement old : before.measurements()) {
      changes.add(
          after.measurements().stream()
              .filter(each -> isSame(old, each))
              .findAny()
              .map(now -> change(old, now))
              .orElseGet(() -> new Change(old, Verdict.GONE, "is not measured any more")));
    }
    return changes;
  }

  private static boolean isSame(Measurement a, Measurement b) {
    return a.group().equals(b.group())
        && a.quantity().name().equals(b.quantity().name())
        && a.subject().equals(b.subject())
        && a.at().equals(b.at());
  }

  private Change change(Measurement old, Measurement now) {
    boolean isExact = old.quantity().better() == Better.EXACT;
    Optional<String> difference = difference(old.subject(), isExact);
    if (difference.isPresent()) {
      return new Change(old, Verdict.INCOMPARABLE, difference.get());
    }
    String text =
        String.format(
            Locale.ROOT,
            "%s → %s%s",
            Tables.cell(old),
            Tables.cell(now),
            old.median() == 0
                ? ""
                : String.format(
                    Locale.ROOT, " (%+.1f %%)", 100 * (now.median() / old.median() - 1)));
    return new Change(old, isExact ? exact(old, now) : verdict(old, now), text);
  }

  private static Verdict exact(Measurement old, Measurement now) {
    return old.values().equals(now.values()) ? Verdict.SAME : Verdict.OTHER;
  }

  private static Verdict verdict(Measurement old, Measurement now) {
    if (old.quantity().better() == Better.NEITHER) {
      return Verdict.SAME;
    }
    boolean apart = now.least() > old.most() || now.most() < old.least();
    if (!apart || Math.abs(now.median() - old.median()) <= LEAST * Math.abs(old.median())) {
      return Verdict.SAME;
    }
    if (old.values().size() < ENOUGH || now.values().size() < ENOUGH) {
      return Verdict.UNKNOWN;
    }
    boolean isMore = now.median() > old.median();
    return isMore == (old.quantity().better() == Better.HIGHER) ? Verdict.BETTER : Verdict.WORSE;
  }

  /** The first thing that makes two values those of different things. */
  private Optional<String> difference(String id, boolean isExact) {
    Map<String, Object[]> stamps = new LinkedHashMap<>();
    if (!isExact) {
      Environment old = before.environment();
      Environment now = after.environment();
      stamps.put("processor", new Object[] {old.cpu(), now.cpu()});
      stamps.put("number of processors", new Object[] {old.processors(), now.processors()});
      stamps.put("JVM", new Object[] {old.jvm(), now.jvm()});
      stamps.put(
          "kernels", new Object[] {before.subject(id).kernels(), after.subject(id).kernels()});
      stamps.put(
          "runtime", new Object[] {before.subject(id).runtime(), after.subject(id).runtime()});
      stamps.put(
          "number of threads",
          new Object[] {before.subject(id).threads(), after.subject(id).threads()});
    }
    Subject old = before.subject(id);
    Subject now = after.subject(id);
    stamps.put("weights", new Object[] {old.modelDigest(), now.modelDigest()});
    stamps.put("quantization", new Object[] {old.quantization(), now.quantization()});
    stamps.put("type of keys and values", new Object[] {old.kvType(), now.kvType()});
    stamps.put("seed", new Object[] {before.seed(), after.seed()});
    stamps.put("options", new Object[] {before.options(), after.options()});
    return stamps.entrySet().stream()
        .filter(each -> !each.getValue()[0].equals(each.getValue()[1]))
        .map(each ->
            "another %s: %s, now %s"
                .formatted(each.getKey(), each.getValue()[0], each.getValue()[1]))
        .findFirst();
  }
}
