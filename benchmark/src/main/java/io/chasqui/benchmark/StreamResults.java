package io.chasqui.benchmark;

import io.chasqui.benchmark.Comparison.Engine;
import io.chasqui.benchmark.Stamp.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What streams came to, round by round, and how Chasqui's servers compare with llama.cpp. */
final class StreamResults implements ServerResults {
  private final Stamp stamp;
  private final Weights model;
  private final long seed;
  private final Set<Engine> peers;
  private final Rounds rounds = new Rounds();
  private final Map<StreamScenario, Set<Engine>> scenarios = new LinkedHashMap<>();
  private final Map<String, String> kernels = new LinkedHashMap<>();

  /**
   * @param seed of the prompts
   * @param peers the engines that the others are compared with
   */
  StreamResults(Stamp stamp, Weights model, long seed, Set<Engine> peers) {
    this.stamp = stamp;
    this.model = model;
    this.seed = seed;
    this.peers = peers;
  }

  /** Tells which kernels an engine runs. */
  void addKernels(Engine engine, String name) {
    kernels.put(engine.name(), name);
  }

  /** Adds what an engine's next round of a scenario came to. */
  void add(StreamScenario scenario, Engine engine, Map<StreamQuantity, Double> numbers) {
    scenarios.computeIfAbsent(scenario, any -> new LinkedHashSet<>()).add(engine);
    numbers.forEach(
        (quantity, number) -> rounds.add(scenario.test(quantity), engine.name(), number));
  }

  /** A table for each scenario: {@link Comparison#table}. */
  @Override
  public List<String> tables() {
    List<String> lines = new ArrayList<>();
    scenarios.forEach((scenario, engines) -> {
      lines.addAll(comparison(engines).table(scenario.title, scenario.rows()));
      lines.add("");
    });
    lines.add("%s; seed %d".formatted(stamp.caption(kernels, List.of(model)), seed));
    return lines;
  }

  /** Fields for each scenario and engine, to be written as JSON. */
  @Override
  public List<Map<String, Object>> fields() {
    List<Map<String, Object>> all = new ArrayList<>();
    scenarios.forEach((scenario, engines) -> {
      Comparison comparison = comparison(engines);
      for (Engine engine : comparison.columns()) {
        all.add(fields(scenario, engine, comparison));
      }
    });
    return all;
  }

  private Map<String, Object> fields(
      StreamScenario scenario, Engine engine, Comparison comparison) {
    Map<String, Object> fields =
        stamp.fields(kernels.getOrDefault(engine.name(), Stamp.UNKNOWN_KERNELS), model);
    fields.put("seed", seed);
    fields.put("scenario", scenario.title);
    fields.put("variant", engine.name());
    for (StreamQuantity quantity : scenario.quantities()) {
      fields.put(quantity.toString(), comparison.fields(scenario.test(quantity), engine));
    }
    return fields;
  }

  private Comparison comparison(Set<Engine> engines) {
    return new Comparison(
        rounds,
        engines.stream().filter(engine -> !peers.contains(engine)).toList(),
        engines.stream().filter(peers::contains).toList());
  }
}
