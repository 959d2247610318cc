package io.chasqui.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.benchmark.Servers.Variant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/** How estimates of memory compare with what servers took. */
final class MemoryResults implements ServerResults {
  /** An estimate may be off by so much. */
  private static final double TOLERANCE = 0.05;

  private static final double MEGABYTE = 1e6;
  private static final List<String> PARTS =
      List.of("weights", "kv_cache", "activations", "runtime", "total");

  private final Stamp stamp;
  private final List<Row> rows = new ArrayList<>();

  /**
   * One server.
   *
   * @param estimate what it has answered to {@code GET /v1/estimate}
   * @param resident memory after all sequences have been as long as the context
   */
  record Row(
      String model, Variant variant, JsonNode estimate, Server.Resident resident, String kernels) {
    long estimated() {
      return bytes("total");
    }

    long bytes(String part) {
      return estimate.path("bytes").path(part).asLong();
    }

    double ratio() {
      return (double) estimated() / resident.peak();
    }
  }

  MemoryResults(Stamp stamp) {
    this.stamp = stamp;
  }

  void add(Row row) {
    rows.add(row);
  }

  /** Whether every estimate is within 5 % of what was measured. */
  boolean areClose() {
    return rows.stream().allMatch(row -> Math.abs(row.ratio() - 1) <= TOLERANCE);
  }

  @Override
  public List<String> tables() {
    List<String> lines = new ArrayList<>();
    lines.add(
        Rounds.row(
            "MB",
            Stream.of("variant"),
            Stream.concat(
                PARTS.stream().map(part -> part.replace('_', ' ')),
                Stream.of("peak", "anonymous", "of files", "total ÷ peak"))));
    lines.add(Rounds.rule(2 + PARTS.size() + 4));
    for (Row row : rows) {
      Server.Resident resident = row.resident();
      lines.add(
          Rounds.row(
              "%s, %s, %d x %d"
                  .formatted(
                      row.model(),
                      row.estimate().path("precision").asText(),
                      row.estimate().path("batch").asInt(),
                      row.estimate().path("context").asInt()),
              Stream.of(row.variant().title),
              Stream.concat(
                  Stream.concat(
                          PARTS.stream().map(row::bytes),
                          Stream.of(resident.peak(), resident.anonymous(), resident.file()))
                      .map(bytes -> String.format(Locale.ROOT, "%.1f", bytes / MEGABYTE)),
                  Stream.of(String.format(Locale.ROOT, "×%.3f", row.ratio())))));
    }
    lines.add("");
    lines.add(
        "CPU: %s; %d threads; build: %s; JVM: %s"
            .formatted(stamp.cpu(), stamp.threads(), stamp.commit(), stamp.jvm()));
    return lines;
  }

  @Override
  public List<Map<String, Object>> fields() {
    return rows.stream().map(this::fields).toList();
  }

  private Map<String, Object> fields(Row row) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("build_commit", stamp.commit());
    fields.put("jvm", stamp.jvm());
    fields.put("cpu_info", stamp.cpu());
    fields.put("n_threads", stamp.threads());
    fields.put("kernels", row.kernels());
    fields.put("model_filename", row.model());
    fields.put("variant", row.variant().toString());
    fields.put("estimate", row.estimate());
    fields.put("peak", row.resident().peak());
    fields.put("anonymous", row.resident().anonymous());
    fields.put("file", row.resident().file());
    fields.put("ratio", row.ratio());
    return fields;
  }
}
