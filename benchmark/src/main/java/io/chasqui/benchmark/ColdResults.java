package io.chasqui.benchmark;

import io.chasqui.benchmark.Comparison.Row;
import io.chasqui.benchmark.Servers.Model;
import io.chasqui.benchmark.Servers.Variant;
import io.chasqui.benchmark.Stamp.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What cold starts came to, round by round, and how Chasqui's compare with llama-server's. */
final class ColdResults implements ServerResults {
  /** What is measured. Times are from the start of the process, an MB is of 10⁶ bytes. */
  enum Quantity {
    PORT_OPEN_MS("port open, ms"),
    READY_MS("ready, ms"),
    FIRST_TOKEN_8_MS("first token, prompt of 8, ms"),
    FIRST_TOKEN_512_MS("first token, prompt of 512, ms"),
    RESIDENT_ANONYMOUS_MB("resident, anonymous, MB"),
    RESIDENT_FILES_MB("resident, of files, MB"),
    RESIDENT_BEYOND_WEIGHTS_MB("resident beyond the weights, MB");

    final String title;

    Quantity(String title) {
      this.title = title;
    }

    @Override
    public String toString() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** What variants are compared at: a table each. */
  record Case(Model model, PageCache pageCache) {
    private String test(Quantity quantity) {
      return "%s %s %s".formatted(model, pageCache, quantity);
    }
  }

  private final Stamp stamp;
  private final Map<Model, Weights> models;
  private final Rounds rounds = new Rounds();
  private final Map<Case, Set<Variant>> cases = new LinkedHashMap<>();
  private final Map<Variant, String> kernels = new LinkedHashMap<>();

  ColdResults(Stamp stamp, Map<Model, Weights> models) {
    this.stamp = stamp;
    this.models = models;
  }

  /**
   * Adds what a variant's next round came to.
   *
   * @param kernels that it ran, if it tells
   */
  void add(Case at, Variant variant, Map<Quantity, Double> numbers, Optional<String> kernels) {
    kernels.ifPresent(name -> this.kernels.put(variant, name));
    cases.computeIfAbsent(at, any -> new LinkedHashSet<>()).add(variant);
    numbers.forEach(
        (quantity, number) -> rounds.add(at.test(quantity), variant.toString(), number));
  }

  /**
   * A table for each case, with a row a quantity: of each variant the median, the least and the
   * most, then the same of each variant's number divided by llama-server's in the same round.
   */
  @Override
  public List<String> tables() {
    List<String> lines = new ArrayList<>();
    cases.forEach((at, variants) -> {
      String title = "%s, page cache %s".formatted(at.model().title, at.pageCache());
      lines.addAll(Servers.compare(rounds, variants).table(title, rows(at)));
      lines.add("");
    });
    lines.add(stamp.caption(kernels, models.values()));
    return lines;
  }

  private static List<Row> rows(Case at) {
    return Arrays.stream(Quantity.values())
        .map(quantity -> new Row(quantity.title, at.test(quantity), "%.0f"))
        .toList();
  }

  /** Fields for each case and variant, to be written as JSON. */
  @Override
  public List<Map<String, Object>> fields() {
    List<Map<String, Object>> all = new ArrayList<>();
    cases.forEach((at, variants) -> {
      Comparison comparison = Servers.compare(rounds, variants);
      for (Variant variant : variants) {
        all.add(fields(at, variant, comparison));
      }
    });
    return all;
  }

  private Map<String, Object> fields(Case at, Variant variant, Comparison comparison) {
    Map<String, Object> fields =
        stamp.fields(kernels.getOrDefault(variant, Stamp.UNKNOWN_KERNELS), models.get(at.model()));
    fields.put("variant", variant.toString());
    fields.put("page_cache", at.pageCache().toString());
    for (Quantity quantity : Quantity.values()) {
      fields.put(quantity.toString(), comparison.fields(at.test(quantity), variant.engine()));
    }
    return fields;
  }
}
