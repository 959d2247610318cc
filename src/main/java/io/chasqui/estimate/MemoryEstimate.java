package io.chasqui.estimate;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * Bytes of memory, by what they are for.
 *
 * @param workload what they are estimated of
 * @param weights of the model
 * @param kvCache keys and values of all sequences
 * @param activations what a step computes on its way
 * @param gradients in training, one for each weight
 * @param optimizer in training, AdamW's two moments of each weight
 * @param runtime what the program takes, or the graphics processor's driver for it
 */
public record MemoryEstimate(
    Workload workload,
    long weights,
    long kvCache,
    long activations,
    long gradients,
    long optimizer,
    long runtime) {

  /**
   * @throws ArithmeticException if all parts together are more bytes than can be counted
   */
  public MemoryEstimate {
    sum(weights, kvCache, activations, gradients, optimizer, runtime);
  }

  private static long sum(long... parts) {
    return Arrays.stream(parts).reduce(0, Math::addExact);
  }

  /** All parts together. */
  public long total() {
    return sum(weights, kvCache, activations, gradients, optimizer, runtime);
  }

  /** The parts by their names in JSON, in the order in which they are shown. */
  public Map<String, Long> parts() {
    var parts = new LinkedHashMap<String, Long>();
    parts.put("weights", weights);
    parts.put("kv_cache", kvCache);
    parts.put("activations", activations);
    parts.put("gradients", gradients);
    parts.put("optimizer", optimizer);
    parts.put("runtime", runtime);
    return parts;
  }

  /**
   * Everything, to be written as JSON.
   *
   * @param model what to call it
   */
  public Map<String, Object> fields(String model) {
    var bytes = new LinkedHashMap<>(parts());
    bytes.put("total", total());
    var fields = new LinkedHashMap<String, Object>();
    fields.put("object", "memory_estimate");
    fields.put("model", model);
    fields.put("device", lowerCase(workload.device()));
    fields.put("training", workload.training());
    fields.put("precision", lowerCase(workload.precision()));
    fields.put("kv", lowerCase(workload.kv()));
    fields.put("context", workload.context());
    fields.put("batch", workload.batch());
    fields.put("bytes", bytes);
    return fields;
  }

  private static String lowerCase(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
