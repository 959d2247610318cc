package io.chasqui.benchmark;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What servers were measured on.
 *
 * @param threads of each server
 */
record Stamp(String commit, String cpu, String jvm, int threads, Instant time) {
  /** The model as it was served. */
  record Weights(String name, String digest, long bytes) {}

  /** The kernels of a server whose log does not name them. */
  static final String UNKNOWN_KERNELS = "";

  /** This machine, now. */
  static Stamp here(int threads) {
    return new Stamp(Machine.commit(), Machine.cpu(), Machine.jvm(), threads, Instant.now());
  }

  /**
   * The line below the tables.
   *
   * @param kernels of each server that names them
   */
  String caption(Map<?, String> kernels, Collection<Weights> models) {
    return "CPU: %s; %d threads; build: %s; JVM: %s; kernels: %s; %s"
        .formatted(
            cpu,
            threads,
            commit,
            jvm,
            kernels.entrySet().stream()
                .map(each -> each.getKey() + " " + each.getValue())
                .collect(Collectors.joining(", ")),
            models.stream()
                .map(model -> model.name() + ": weights' SHA-256 " + model.digest())
                .collect(Collectors.joining(", ")));
  }

  /** Fields to be written as JSON, with the names that {@link TestResult} gives them. */
  Map<String, Object> fields(String kernels, Weights model) {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("build_commit", commit);
    fields.put("jvm", jvm);
    fields.put("cpu_info", cpu);
    fields.put("kernels", kernels);
    fields.put("model_filename", model.name());
    fields.put("model_digest", model.digest());
    fields.put("model_size", model.bytes());
    fields.put("n_threads", threads);
    fields.put("test_time", time.truncatedTo(ChronoUnit.SECONDS).toString());
    return fields;
  }
}
