package io.chasqui.benchmark;

import io.chasqui.benchmark.Comparison.Engine;
import io.chasqui.benchmark.Comparison.Row;
import io.chasqui.benchmark.Stamp.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** What streams came to alone and beside hostile requests, and what became of these. */
final class AbuseResults implements ServerResults {
  /** When the server was asked what it holds. */
  enum Moment {
    BEFORE("before"),
    BESIDE("at the end of the last round"),
    AFTER("after");

    final String title;

    Moment(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  static final Engine ALONE = new Engine("alone", "alone");
  static final Engine BESIDE = new Engine("beside", "beside them");

  private static final String RATE = "hostile requests a second";
  private static final double MEGABYTE = 1e6;
  private static final List<StreamQuantity> QUANTITIES =
      List.of(
          StreamQuantity.FIRST_TOKEN_P50_MS,
          StreamQuantity.FIRST_TOKEN_P99_MS,
          StreamQuantity.ITL_P50_MS,
          StreamQuantity.ITL_P99_MS,
          StreamQuantity.STREAMS);

  private final Stamp stamp;
  private final Weights model;
  private final String variant;
  private final String kernels;
  private final long seed;
  private final HostileTally tally;
  private final Rounds rounds = new Rounds();
  private final Map<Moment, Server.Holdings> holdings = new LinkedHashMap<>();

  /**
   * @param seed of all requests
   * @param tally of the hostile ones, to which may still be added
   */
  AbuseResults(
      Stamp stamp, Weights model, String variant, String kernels, long seed, HostileTally tally) {
    this.stamp = stamp;
    this.model = model;
    this.variant = variant;
    this.kernels = kernels;
    this.seed = seed;
    this.tally = tally;
  }

  /** Adds what the next round of {@link #ALONE} or {@link #BESIDE} came to. */
  void add(Engine engine, Map<StreamQuantity, Double> numbers) {
    numbers.forEach((quantity, number) -> rounds.add(quantity.toString(), engine.name(), number));
  }

  /** Adds how many hostile requests were sent a second in a round. */
  void addRate(double perSecond) {
    rounds.add(RATE, BESIDE.name(), perSecond);
  }

  /** Tells what the server held; the last time counts. */
  void hold(Moment moment, Server.Holdings held) {
    holdings.put(moment, held);
  }

  /** Whether no hostile request was answered with a server's error, or not at all. */
  boolean isSound() {
    return Arrays.stream(HostileOutcome.values())
        .filter(HostileOutcome::isFault)
        .allMatch(outcome -> tally.count(outcome) == 0);
  }

  @Override
  public List<String> tables() {
    List<String> lines = new ArrayList<>(comparison().table("streams", rows()));
    lines.add("");
    lines.addAll(outcomes());
    lines.add("");
    lines.addAll(held());
    lines.add("");
    lines.add(
        "%s; %s a second; seed %d"
            .formatted(
                stamp.caption(Map.of(variant, kernels), List.of(model)),
                Rounds.spread("%.1f", rounds.of(RATE, BESIDE.name())),
                seed));
    return lines;
  }

  private Comparison comparison() {
    return new Comparison(rounds, List.of(BESIDE), List.of(ALONE));
  }

  private static List<Row> rows() {
    return QUANTITIES.stream()
        .map(quantity -> new Row(quantity.title, quantity.toString(), quantity.format))
        .toList();
  }

  /** A line for each kind of hostile request, and one for all. */
  private List<String> outcomes() {
    List<String> lines = new ArrayList<>();
    List<HostileOutcome> outcomes = List.of(HostileOutcome.values());
    lines.add(
        Rounds.row(
            "hostile requests", outcomes.stream().map(outcome -> outcome.title), Stream.of()));
    lines.add(Rounds.rule(1 + outcomes.size()));
    for (HostileKind kind : HostileKind.values()) {
      lines.add(counts(kind.title, outcomes.stream().map(outcome -> tally.count(kind, outcome))));
    }
    lines.add(counts("all", outcomes.stream().map(tally::count)));
    return lines;
  }

  private static String counts(String title, Stream<Integer> counts) {
    return Rounds.row(title, counts.map(String::valueOf), Stream.of());
  }

  private List<String> held() {
    List<String> lines = new ArrayList<>();
    lines.add(
        Rounds.row(
            "the server", holdings.keySet().stream().map(moment -> moment.title), Stream.of()));
    lines.add(Rounds.rule(1 + holdings.size()));
    lines.add(
        Rounds.row(
            "resident, MB", holdings.values().stream().map(AbuseResults::megabytes), Stream.of()));
    lines.add(counts("open files", holdings.values().stream().map(Server.Holdings::files)));
    lines.add(counts("threads", holdings.values().stream().map(Server.Holdings::threads)));
    return lines;
  }

  private static String megabytes(Server.Holdings held) {
    return String.format(Locale.ROOT, "%.1f", held.resident().all() / MEGABYTE);
  }

  @Override
  public List<Map<String, Object>> fields() {
    return List.of(fields(ALONE), fields(BESIDE));
  }

  private Map<String, Object> fields(Engine engine) {
    Map<String, Object> fields = stamp.fields(kernels, model);
    fields.put("seed", seed);
    fields.put("variant", variant);
    fields.put("scenario", engine.name());
    Comparison comparison = comparison();
    for (StreamQuantity quantity : QUANTITIES) {
      fields.put(quantity.toString(), comparison.fields(quantity.toString(), engine));
    }
    if (engine.equals(BESIDE)) {
      fields.put("hostile_rate", rounds.of(RATE, engine.name()));
      fields.put("hostile_requests", hostileFields());
      fields.put("server", holdings);
    }
    return fields;
  }

  private Map<String, Map<String, Integer>> hostileFields() {
    var fields = new LinkedHashMap<String, Map<String, Integer>>();
    for (HostileKind kind : HostileKind.values()) {
      var counts = new LinkedHashMap<String, Integer>();
      for (HostileOutcome outcome : HostileOutcome.values()) {
        counts.put(outcome.toString(), tally.count(kind, outcome));
      }
      fields.put(kind.toString(), counts);
    }
    return fields;
  }
}
