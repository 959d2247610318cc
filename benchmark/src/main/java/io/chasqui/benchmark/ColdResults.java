package io.chasqui.benchmark;

import io.chasqui.benchmark.ColdServers.Model;
import io.chasqui.benchmark.ColdServers.Variant;
import io.chasqui.model.CpuLimit;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What cold starts came to, round by round, and how Chasqui's compare with llama-server's. */
final class ColdResults {
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

  /** The model as it was served. */
  record Weights(String name, String digest, long bytes) {}

  /** What everything was measured on. */
  record Stamp(
      String commit,
      String cpu,
      String jvm,
      int threads,
      Instant time,
      Map<Model, Weights> models) {
    /** This machine, now. */
    static Stamp here(Map<Model, Weights> models) {
      return new Stamp(
          Machine.commit(),
          Machine.cpu(),
          Machine.jvm(),
          CpuLimit.processors(),
          Instant.now(),
          models);
    }
  }

  /** The kernels of a variant whose log does not name them. */
  private static final String UNKNOWN = "";

  private final Stamp stamp;
  private final Rounds rounds = new Rounds();
  private final Map<Case, Set<Variant>> cases = new LinkedHashMap<>();
  private final Map<Variant, String> kernels = new LinkedHashMap<>();

  ColdResults(Stamp stamp) {
    this.stamp = stamp;
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
  List<String> tables() {
    List<String> lines = new ArrayList<>();
    cases.forEach((at, variants) -> lines.addAll(table(at, List.copyOf(variants))));
    lines.add(
        "CPU: %s; %d threads; build: %s; JVM: %s; kernels: %s; %s"
            .formatted(
                stamp.cpu(),
                stamp.threads(),
                stamp.commit(),
                stamp.jvm(),
                kernels.entrySet().stream()
                    .map(each -> each.getKey() + " " + each.getValue())
                    .collect(Collectors.joining(", ")),
                stamp.models().values().stream()
                    .map(model -> model.name() + ": weights' SHA-256 " + model.digest())
                    .collect(Collectors.joining(", "))));
    return lines;
  }

  private List<String> table(Case at, List<Variant> variants) {
    List<Variant> ours = variants.contains(Variant.LLAMA_CPP) ? withoutPeer(variants) : List.of();
    List<String> lines = new ArrayList<>();
    lines.add(
        Rounds.row(
            "%s, page cache %s".formatted(at.model().title, at.pageCache()),
            variants.stream().map(variant -> variant.title),
            ours.stream().map(variant -> variant.title + " ÷ " + Variant.LLAMA_CPP.title)));
    lines.add(Rounds.rule(1 + variants.size() + ours.size()));
    for (Quantity quantity : Quantity.values()) {
      lines.add(
          Rounds.row(
              quantity.title,
              variants.stream()
                  .map(variant -> Rounds.spread("%.0f", numbers(at, quantity, variant))),
              ours.stream()
                  .map(variant -> "×" + Rounds.spread("%.2f", ratios(at, quantity, variant)))));
    }
    lines.add("");
    return lines;
  }

  private static List<Variant> withoutPeer(List<Variant> variants) {
    return variants.stream().filter(variant -> variant != Variant.LLAMA_CPP).toList();
  }

  private List<Double> numbers(Case at, Quantity quantity, Variant variant) {
    return rounds.of(at.test(quantity), variant.toString());
  }

  private List<Double> ratios(Case at, Quantity quantity, Variant variant) {
    return rounds.ratios(at.test(quantity), variant.toString(), Variant.LLAMA_CPP.toString());
  }

  /**
   * Fields for each case and variant, to be written as JSON; the names of the first are those of
   * {@link TestResult}.
   */
  List<Map<String, Object>> fields() {
    List<Map<String, Object>> all = new ArrayList<>();
    cases.forEach((at, variants) -> {
      for (Variant variant : variants) {
        all.add(fields(at, variant, variants.contains(Variant.LLAMA_CPP)));
      }
    });
    return all;
  }

  private Map<String, Object> fields(Case at, Variant variant, boolean hasPeer) {
    Weights model = stamp.models().get(at.model());
    var fields = new LinkedHashMap<String, Object>();
    fields.put("build_commit", stamp.commit());
    fields.put("jvm", stamp.jvm());
    fields.put("cpu_info", stamp.cpu());
    fields.put("kernels", kernels.getOrDefault(variant, UNKNOWN));
    fields.put("model_filename", model.name());
    fields.put("model_digest", model.digest());
    fields.put("model_size", model.bytes());
    fields.put("n_threads", stamp.threads());
    fields.put("test_time", stamp.time().truncatedTo(ChronoUnit.SECONDS).toString());
    fields.put("variant", variant.toString());
    fields.put("page_cache", at.pageCache().toString());
    for (Quantity quantity : Quantity.values()) {
      Map<String, Object> numbers = summary(numbers(at, quantity, variant));
      if (hasPeer) {
        numbers.put("ratio_to_llama_cpp", summary(ratios(at, quantity, variant)));
      }
      fields.put(quantity.toString(), numbers);
    }
    return fields;
  }

  private static Map<String, Object> summary(List<Double> numbers) {
    var summary = new LinkedHashMap<String, Object>();
    summary.put("median", Rounds.median(numbers));
    summary.put("least", Rounds.least(numbers));
    summary.put("most", Rounds.most(numbers));
    summary.put("rounds", numbers);
    return summary;
  }
}
