package io.chasqui.benchmark.forward;

import io.chasqui.benchmark.Samples;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A test that has run.
 *
 * @param modelType family, size and quantization
 * @param quantization of the weights
 * @param modelDigest SHA-256 of the weights
 * @param modelBytes bytes of the weights
 * @param time when the test began
 */
record TestResult(
    Setting setting,
    ModelTest test,
    String modelType,
    String quantization,
    String modelDigest,
    long modelBytes,
    long modelParameters,
    Instant time,
    Samples samples) {

  /**
   * What all tests of a process have in common.
   *
   * @param commit of the sources
   */
  record Setting(String commit, String cpu, String kernels, String jvm) {}

  /** All of it under llama-bench's names, and what it has no name for under ours. */
  Map<String, Object> fields() {
    var fields = new LinkedHashMap<String, Object>();
    fields.put("build_commit", setting.commit());
    fields.put("jvm", setting.jvm());
    fields.put("cpu_info", setting.cpu());
    fields.put("backends", "CPU");
    fields.put("kernels", setting.kernels());
    fields.put("model_filename", test.model().toString());
    fields.put("model_digest", modelDigest);
    fields.put("model_type", modelType);
    fields.put("model_size", modelBytes);
    fields.put("model_n_params", modelParameters);
    fields.put("n_batch", test.batch());
    fields.put("n_ubatch", test.ubatch());
    fields.put("n_threads", test.threads());
    String kvType = kvType();
    fields.put("type_k", kvType);
    fields.put("type_v", kvType);
    fields.put("n_prompt", test.prompt());
    fields.put("n_gen", test.generated());
    fields.put("n_depth", test.depth());
    fields.put("test_time", time.truncatedTo(ChronoUnit.SECONDS).toString());
    fields.put("avg_ns", Math.round(samples.meanNanos()));
    fields.put("stddev_ns", Math.round(samples.deviationNanos()));
    fields.put("avg_ts", samples.meanSpeed());
    fields.put("stddev_ts", samples.deviationSpeed());
    fields.put("samples_ns", samples.nanos());
    fields.put("samples_ts", samples.tokensPerSecond());
    return fields;
  }

  /** Adds the speed of each repetition to a record. */
  void addTo(Results.Builder results) {
    String subject = test.subject();
    results.subject(
        Subject.of(subject, subject)
            .on(setting.jvm(), setting.kernels(), test.threads())
            .with(
                test.model().getFileName().toString(),
                modelDigest,
                modelBytes,
                quantization,
                kvType()));
    Quantity quantity = ModelTest.quantity(test.prompt(), test.generated(), test.depth());
    samples
        .tokensPerSecond()
        .forEach(speed -> results.add(ModelTest.GROUP, quantity, subject, speed));
  }

  String kvType() {
    return ModelBench.optionName(test.kvType());
  }
}
