package io.chasqui.benchmark.quantizations;

import io.chasqui.benchmark.forward.ModelBench;
import io.chasqui.benchmark.forward.ModelRunner;
import io.chasqui.benchmark.forward.ModelTest;
import io.chasqui.benchmark.forward.Repeatable;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import io.chasqui.engine.ServerMemory;
import io.chasqui.estimate.MemoryEstimate;
import io.chasqui.estimate.MemoryQuestion;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.ObjDoubleConsumer;

/** What a model costs as each of some types: memory and time. */
final class QuantizationCosts {
  private static final Quantity FILE = Quantity.lower("file", "MB", 1);
  private static final Quantity MEMORY = Quantity.lower("memory of a server, estimated", "MB", 1);
  private static final Quantity READ = Quantity.lower("a token reads", "MB", 2);
  private static final Quantity LIMIT = Quantity.higher("limit of decode", "tokens/s", 1);
  private static final Quantity OF_LIMIT = Quantity.higher("decode of its limit", "%", 1);
  private static final Quantity READ_SPEED = Quantity.higher("decode reads", "GB/s", 2);
  private static final Quantity MACS = Quantity.higher("prefill computes", "GMAC/s", 1);
  private static final Quantity DECODE = Quantity.higher("decode", "tokens/s", 1);

  private static final int BATCH = 2048;
  private static final int UBATCH = 512;
  private static final double MEGA = 1e6;
  private static final double GIGA = 1e9;

  private final QuantizedModels models;
  private final Set<DType> types;
  private final KvLayout.Type kvType;
  private final int threads;
  private final int rounds;
  private final long seed;
  private final Results.Builder results;
  private final Set<DType> compiled = EnumSet.noneOf(DType.class);

  QuantizationCosts(
      QuantizedModels models,
      Set<DType> types,
      KvLayout.Type kvType,
      int threads,
      int rounds,
      long seed,
      Results.Builder results) {
    this.models = models;
    this.types = types;
    this.kvType = kvType;
    this.threads = threads;
    this.rounds = rounds;
    this.seed = seed;
    this.results = results;
  }

  /** Adds the size of the files, and what a server would take with one sequence. */
  void memory(String group) throws IOException {
    var question =
        new MemoryQuestion(
            Optional.empty(),
            false,
            Optional.empty(),
            Optional.of(kvType),
            Optional.empty(),
            Optional.of(1));
    for (DType type : types) {
      MemoryEstimate estimate = ServerMemory.ofServer(models.get(type).sizes()).estimate(question);
      add(group, FILE, type, models.fileBytes(type) / MEGA);
      add(group, MEMORY, type, estimate.total() / MEGA);
    }
    results.note("Memory is estimated of a server on the JVM with one sequence of its context.");
  }

  /**
   * Adds the speed of prompts and of decoding, and beside it what memory allows.
   *
   * @param prompt tokens of a prompt
   * @param generated tokens, from the first position on
   */
  void speed(String group, int prompt, int generated) {
    long bandwidth = results.build().environment().memoryBandwidth();
    var prefill = Quantity.higher("prefill of " + prompt, "tokens/s", 1);
    var decode = Quantity.higher("decode of " + generated, "tokens/s", 1);
    measure(
        type -> runner(type, 0, prompt, 0),
        (type, nanos) -> {
          double speed = GIGA * prompt / nanos;
          add(group, prefill, type, speed);
          add(group, MACS, type, speed * products(models.get(type)) / GIGA);
        });
    for (DType type : types) {
      double bytes = DecodeTraffic.bytes(models.get(type), kvType, (generated - 1) / 2.0);
      add(group, READ, type, bytes / MEGA);
      add(group, LIMIT, type, bandwidth / bytes);
    }
    measure(
        type -> runner(type, 0, 0, generated),
        (type, nanos) -> {
          double speed = GIGA * generated / nanos;
          double bytes = DecodeTraffic.bytes(models.get(type), kvType, (generated - 1) / 2.0);
          add(group, decode, type, speed);
          add(group, READ_SPEED, type, speed * bytes / GIGA);
          add(group, OF_LIMIT, type, 100 * speed * bytes / bandwidth);
        });
    results.note(
        "The limit of decode is the memory's bandwidth divided by what a token reads; what the"
            + " processor's caches hold is read faster than that.");
    compare(group, prefill, decode);
  }

  /** Multiplications of a token in a prompt, which has no logits but for its last. */
  private static double products(PackedModel model) {
    long embedding = (long) model.config().vocabulary() * model.config().hidden();
    return model.parameters() - embedding * (model.config().tiedEmbeddings() ? 1 : 2);
  }

  /** Says of each type what it gains over the next wider one, and what it reads for that. */
  private void compare(String group, Quantity prefill, Quantity decode) {
    List<DType> byWidth =
        types.stream()
            .sorted(
                (a, b) -> Long.compare(models.get(a).weightBytes(), models.get(b).weightBytes()))
            .toList();
    for (int i = 1; i < byWidth.size(); i++) {
      DType narrow = byWidth.get(i - 1);
      DType wide = byWidth.get(i);
      results.note(
          String.format(
              Locale.ROOT,
              "%s ÷ %s: a token reads ×%.2f, decode is ×%.2f as fast, prefill ×%.2f.",
              narrow,
              wide,
              ratio(group, READ, narrow, wide),
              ratio(group, decode, narrow, wide),
              ratio(group, prefill, narrow, wide)));
    }
  }

  private double ratio(String group, Quantity quantity, DType dividend, DType divisor) {
    return median(group, quantity, dividend) / median(group, quantity, divisor);
  }

  private double median(String group, Quantity quantity, DType type) {
    return results.build().measurements().stream()
        .filter(each -> each.group().equals(group) && each.quantity().equals(quantity))
        .filter(each -> each.subject().equals(ModelBench.optionName(type)))
        .mapToDouble(Measurement::median)
        .findAny()
        .orElseThrow();
  }

  /** Adds the tokens a second of all sequences together that decode at once, from nothing. */
  void batch(String group, int count, int generated) {
    measure(
        type -> new BatchRunner(models.get(type), kvType, threads, count, generated, seed),
        (type, nanos) ->
            results.add(
                group,
                DECODE,
                ModelBench.optionName(type),
                count,
                GIGA * count * generated / nanos));
  }

  /** Adds the tokens a second of a sequence that has so many positions already. */
  void depth(String group, int depth, int generated) {
    measure(
        type -> runner(type, depth, 0, generated),
        (type, nanos) ->
            results.add(
                group, DECODE, ModelBench.optionName(type), depth, GIGA * generated / nanos));
  }

  private ModelRunner runner(DType type, int depth, int prompt, int generated) {
    var test =
        new ModelTest(models.file(type), BATCH, UBATCH, kvType, threads, depth, prompt, generated);
    var runner = new ModelRunner(models.get(type), test, seed);
    runner.fillDepth();
    if (compiled.add(type)) {
      runner.warmUpCompilers();
    }
    return runner;
  }

  /** In each round every type has its turn, so that all meet the same machine. */
  private void measure(Function<DType, Repeatable> setUp, ObjDoubleConsumer<DType> add) {
    Map<DType, Repeatable> runs = new EnumMap<>(DType.class);
    try {
      for (DType type : types) {
        runs.put(type, setUp.apply(type));
      }
      for (int round = 0; round < rounds; round++) {
        for (DType type : types) {
          runs.get(type).warmUp();
          add.accept(type, runs.get(type).run());
        }
      }
    } finally {
      runs.values().forEach(Repeatable::close);
    }
  }

  private void add(String group, Quantity quantity, DType type, double value) {
    results.add(group, quantity, ModelBench.optionName(type), value);
  }
}
