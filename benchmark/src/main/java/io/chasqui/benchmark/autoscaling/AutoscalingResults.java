package io.chasqui.benchmark.autoscaling;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Machine;
import io.chasqui.benchmark.autoscaling.Study.Run;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The answers of a study of autoscaling: a table for each question, and what was chosen. */
final class AutoscalingResults {
  /** How results are written. */
  enum Format {
    MD,
    JSON
  }

  /** A number of each run. */
  private record Column(String title, Function<Run, String> number) {
    static Column of(String title, String format, Function<Run, Object> number) {
      return new Column(title, run -> String.format(Locale.ROOT, format, number.apply(run)));
    }
  }

  private static final Column CONCURRENCY =
      Column.of("containerConcurrency", "%d", run -> run.scaling().containerConcurrency());
  private static final Column UTILIZATION =
      Column.of("utilization, %", "%d", run -> run.scaling().utilization());
  private static final Column WINDOW = Column.of("window, s", "%d", run -> run.scaling().window());
  private static final Column BURST_CAPACITY =
      Column.of("target-burst-capacity", "%d", run -> run.scaling().targetBurstCapacity());
  private static final Column MIN_SCALE =
      Column.of("min-scale", "%d", run -> run.scaling().minScale());
  private static final Column COLD_START =
      Column.of("cold start, s", "%.1f", run -> run.setup().coldStart());
  private static final Column TRAFFIC = new Column("traffic", run -> run.setup().traffic().title());
  private static final Column RATE =
      Column.of("requests/s", "%,.0f", run -> run.setup().traffic().mostRate());

  private static final Column MEAN_PODS =
      Column.of("pods, mean", "%.1f", run -> run.outcome().meanPods());
  private static final Column MOST_PODS = Column.of("most", "%d", run -> run.outcome().mostPods());
  private static final Column POD_HOURS =
      Column.of("pod-hours", "%.1f", run -> run.outcome().podHours());
  private static final Column STARTS =
      Column.of("pod starts", "%d", run -> run.outcome().podStarts());
  private static final Column MEDIAN =
      Column.of("TTFT p50, s", "%.2f", run -> run.outcome().firstToken().percentile(0.5));
  private static final Column P99 =
      Column.of("p99, s", "%.2f", run -> run.outcome().firstToken().percentile(0.99));
  private static final Column COLD =
      Column.of("met no pod", "%d", run -> run.outcome().coldFirstToken().count());
  private static final Column COLD_P50 =
      Column.of("their TTFT p50, s", "%.2f", run -> run.outcome().coldFirstToken().percentile(0.5));
  private static final Column PER_TOKEN =
      Column.of("ITL p99, ms", "%.0f", run -> 1000 * run.outcome().perToken().percentile(0.99));
  private static final Column GOOD =
      Column.of("within limits, %", "%.2f", run -> 100 * run.outcome().goodShare());
  private static final Column GOOD_PER_POD_HOUR =
      Column.of("good answers a pod-hour", "%,.0f", Run::goodPerPodHour);
  private static final Column REFUSED = Column.of("503", "%d", run -> run.outcome().refused());

  private final Study study;

  AutoscalingResults(Study study) {
    this.study = study;
  }

  /** Writes all of them. */
  void print(Format format, PrintStream out) throws JsonProcessingException {
    switch (format) {
      case MD -> tables().forEach(out::println);
      case JSON ->
          out.println(
              new JsonMapper().writerWithDefaultPrettyPrinter().writeValueAsString(fields()));
    }
  }

  private List<String> tables() {
    List<String> lines = new ArrayList<>();
    table(
        lines,
        "Which containerConcurrency is best? " + traffic(study.concurrencies()),
        study.concurrencies(),
        CONCURRENCY,
        UTILIZATION,
        POD_HOURS,
        MOST_PODS,
        MEDIAN,
        P99,
        PER_TOKEN,
        GOOD,
        GOOD_PER_POD_HOUR,
        REFUSED);
    table(
        lines,
        "Which window? " + traffic(study.windows()),
        study.windows(),
        WINDOW,
        POD_HOURS,
        MOST_PODS,
        STARTS,
        MEDIAN,
        P99,
        PER_TOKEN,
        GOOD,
        GOOD_PER_POD_HOUR);
    table(
        lines,
        "Which target-burst-capacity? " + traffic(study.burstCapacities()),
        study.burstCapacities(),
        BURST_CAPACITY,
        POD_HOURS,
        MEAN_PODS,
        MEDIAN,
        P99,
        PER_TOKEN,
        GOOD,
        GOOD_PER_POD_HOUR,
        REFUSED);
    table(
        lines,
        "How many pods? A steady rate, with " + scaling(study.recommended()),
        study.rates(),
        RATE,
        MEAN_PODS,
        MOST_PODS,
        Column.of(
            "if every step were full",
            "%.1f",
            run -> study.leastPods(run.scaling(), run.setup().traffic().mostRate())),
        MEDIAN,
        P99,
        PER_TOKEN,
        GOOD);
    table(
        lines,
        "What does a cold start do? A day from midnight, with " + scaling(study.recommended()),
        study.days(),
        TRAFFIC,
        MIN_SCALE,
        COLD_START,
        POD_HOURS,
        STARTS,
        COLD,
        COLD_P50,
        MEDIAN,
        P99,
        GOOD);
    table(
        lines,
        "What does a cold start do? " + traffic(study.bursts()),
        study.bursts(),
        COLD_START,
        POD_HOURS,
        MOST_PODS,
        STARTS,
        MEDIAN,
        P99,
        PER_TOKEN,
        GOOD);
    lines.add(caption());
    return lines;
  }

  private static String traffic(List<Run> runs) {
    return "Traffic: " + runs.getFirst().setup().traffic().title();
  }

  private static String scaling(Scaling scaling) {
    return "containerConcurrency %d at %d %%, window %d s, target-burst-capacity %d"
        .formatted(
            scaling.containerConcurrency(),
            scaling.utilization(),
            scaling.window(),
            scaling.targetBurstCapacity());
  }

  private static void table(List<String> lines, String title, List<Run> runs, Column... columns) {
    lines.add(title);
    lines.add("");
    lines.add(row(Arrays.stream(columns).map(Column::title)));
    lines.add("|" + "---|".repeat(columns.length));
    runs.forEach(
        run -> lines.add(row(Arrays.stream(columns).map(column -> column.number().apply(run)))));
    lines.add("");
  }

  private static String row(Stream<String> cells) {
    return cells.collect(Collectors.joining(" | ", "| ", " |"));
  }

  private String caption() {
    Limits limits = study.options().limits();
    return String.format(
        Locale.ROOT,
        "Milliseconds of a step by its tokens: %s; %d slots a pod; prompts of %d and answers of %d"
            + " tokens in the mean; limits: %.1f s to the first token and %.0f ms for each other one;"
            + " cold start %.1f s where none is named; seed %d; build: %s",
        study.options().times(),
        study.options().slots(),
        study.options().lengths().prompt(),
        study.options().lengths().answer(),
        limits.firstToken(),
        1000 * limits.perToken(),
        study.options().coldStarts().getFirst(),
        study.options().seed(),
        Machine.commit());
  }

  /** The fields of each run, with its question. */
  private List<Map<String, Object>> fields() {
    Map<String, List<Run>> questions = new LinkedHashMap<>();
    questions.put("container_concurrency", study.concurrencies());
    questions.put("window", study.windows());
    questions.put("target_burst_capacity", study.burstCapacities());
    questions.put("rate", study.rates());
    questions.put("day", study.days());
    questions.put("bursts", study.bursts());
    return questions.entrySet().stream()
        .flatMap(each -> each.getValue().stream().map(run -> fields(each.getKey(), run)))
        .toList();
  }

  private Map<String, Object> fields(String question, Run run) {
    Scaling scaling = run.scaling();
    Outcome outcome = run.outcome();
    var fields = new LinkedHashMap<String, Object>();
    fields.put("build_commit", Machine.commit());
    fields.put("seed", study.options().seed());
    fields.put("step_ms", study.options().times().millis());
    fields.put("slots", study.options().slots());
    fields.put("prompt_tokens", study.options().lengths().prompt());
    fields.put("answer_tokens", study.options().lengths().answer());
    fields.put("question", question);
    fields.put("traffic", run.setup().traffic().title());
    fields.put("mean_rate", run.setup().traffic().meanRate());
    fields.put("cold_start_s", run.setup().coldStart());
    fields.put("container_concurrency", scaling.containerConcurrency());
    fields.put("target_utilization_percentage", scaling.utilization());
    fields.put("target_burst_capacity", scaling.targetBurstCapacity());
    fields.put("window_s", scaling.window());
    fields.put("min_scale", scaling.minScale());
    fields.put("measured_s", outcome.seconds());
    fields.put("requests", outcome.requests());
    fields.put("refused", outcome.refused());
    fields.put("good_share", outcome.goodShare());
    fields.put("good_per_pod_hour", run.goodPerPodHour());
    fields.put("mean_requests", outcome.meanRequests());
    fields.put("pod_hours", outcome.podHours());
    fields.put("pods_mean", outcome.meanPods());
    fields.put("pods_most", outcome.mostPods());
    fields.put("pod_starts", outcome.podStarts());
    fields.put("ttft_s", percentiles(outcome.firstToken()));
    fields.put("ttft_without_pod_s", percentiles(outcome.coldFirstToken()));
    fields.put("itl_s", percentiles(outcome.perToken()));
    fields.put("total_s", percentiles(outcome.total()));
    return fields;
  }

  private static Map<String, Object> percentiles(Outcome.Times times) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("count", times.count());
    fields.put("mean", times.mean());
    fields.put("p50", times.percentile(0.5));
    fields.put("p90", times.percentile(0.9));
    fields.put("p99", times.percentile(0.99));
    return fields;
  }
}
