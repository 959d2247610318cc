package io.chasqui.benchmark.autoscaling;

import io.chasqui.benchmark.autoscaling.Study.Run;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.Collectors;

/** What a study recommends, as a patch of the Knative Service for kustomize. */
public final class KustomizePatch {
  private static final String AUTOSCALING = "autoscaling.knative.dev/";
  private static final int COLUMNS = 100;

  /** A burst that nobody has thought of shall not take every node of the cluster. */
  private static final int ROOM_ABOVE_BURSTS = 2;

  private final Study study;

  /** The patch that a study gives. */
  public KustomizePatch(Study study) {
    this.study = study;
  }

  /** YAML, with the reason for each number. */
  public String yaml() {
    Scaling scaling = study.recommended();
    var yaml = new StringBuilder();
    comment(
        yaml,
        "",
        "Written by ./chasqui bench autoscaling; a kustomization.yaml takes it under 'patches' as"
            + " '- path: FILE'. Simulated with seed %d; milliseconds of a step by its tokens: %s; a cold"
                .formatted(study.options().seed(), study.options().times())
            + String.format(
                Locale.ROOT,
                " start of %.1f s; %s. Good is an answer within %.1f s to the first token and %.0f ms"
                    + " for each other one.",
                study.options().coldStarts().getFirst(),
                study.concurrencies().getFirst().setup().traffic().title(),
                study.options().limits().firstToken(),
                1000 * study.options().limits().perToken()));
    yaml.append(
        """
        apiVersion: serving.knative.dev/v1
        kind: Service
        metadata:
          name: chasqui
        spec:
          template:
            metadata:
              annotations:
        """);
    annotation(yaml, "metric", "concurrency", "What the simulation scales by.");
    annotation(
        yaml,
        "target",
        scaling.containerConcurrency(),
        "What is let into a container at once, see containerConcurrency.");
    annotation(
        yaml,
        "target-utilization-percentage",
        scaling.utilization(),
        reasons(
            study.concurrencies().stream()
                .filter(run -> isOfConcurrency(run, scaling.containerConcurrency()))
                .toList(),
            run -> run.scaling().utilization() + " %"));
    annotation(
        yaml,
        "window",
        scaling.window() + "s",
        reasons(study.windows(), run -> run.scaling().window() + " s"));
    annotation(
        yaml,
        "target-burst-capacity",
        scaling.targetBurstCapacity(),
        "-1 keeps the activator in the path, which holds what no pod has room for; 0 takes it out. %s: %s"
            .formatted(
                study.burstCapacities().getFirst().setup().traffic().title(),
                reasons(
                    study.burstCapacities(),
                    run -> String.valueOf(run.scaling().targetBurstCapacity()))));
    annotation(
        yaml,
        "min-scale",
        0,
        study.days().stream()
            .filter(run -> run.setup().coldStart() == study.options().coldStarts().getFirst())
            .map(KustomizePatch::dayReason)
            .collect(Collectors.joining("; ", "", ".")));
    int most =
        study.bursts().stream().mapToInt(run -> run.outcome().mostPods()).max().orElseThrow();
    annotation(
        yaml,
        "max-scale",
        ROOM_ABOVE_BURSTS * most,
        "Twice what was asked for at most (%d) with %s."
            .formatted(most, study.bursts().getFirst().setup().traffic().title()));
    yaml.append("    spec:\n");
    comment(
        yaml,
        "      ",
        reasons(
            study.concurrencies().stream()
                .filter(run -> run.scaling().utilization() == scaling.utilization())
                .toList(),
            run -> String.valueOf(run.scaling().containerConcurrency())));
    yaml.append("      containerConcurrency: ").append(scaling.containerConcurrency()).append('\n');
    return yaml.toString();
  }

  private static boolean isOfConcurrency(Run run, int concurrency) {
    return run.scaling().containerConcurrency() == concurrency;
  }

  private static String reasons(List<Run> runs, Function<Run, String> name) {
    return runs.stream()
        .map(run ->
            String.format(
                Locale.ROOT,
                "%s: %.1f %% good for %.1f pod-hours",
                name.apply(run),
                100 * run.outcome().goodShare(),
                run.outcome().podHours()))
        .collect(Collectors.joining("; ", "", "."));
  }

  private static String dayReason(Run run) {
    return String.format(
        Locale.ROOT,
        "%s, %d: %.1f pod-hours, %.2f s to the first token at the 99th percentile",
        run.setup().traffic().title(),
        run.scaling().minScale(),
        run.outcome().podHours(),
        run.outcome().firstToken().percentile(0.99));
  }

  private static void annotation(StringBuilder yaml, String name, Object value, String reason) {
    comment(yaml, "        ", reason);
    yaml.append("        ")
        .append(AUTOSCALING)
        .append(name)
        .append(": \"")
        .append(value)
        .append("\"\n");
  }

  private static void comment(StringBuilder yaml, String indent, String text) {
    var line = new StringBuilder(indent + "#");
    for (String word : text.split(" ")) {
      if (line.length() + 1 + word.length() > COLUMNS) {
        yaml.append(line).append('\n');
        line = new StringBuilder(indent + "#");
      }
      line.append(' ').append(word);
    }
    yaml.append(line).append('\n');
  }
}
