package io.chasqui.estimate;

import io.chasqui.kernel.KvLayout;

/**
 * What a model is to do.
 *
 * @param training whether it learns, with AdamW; otherwise it generates
 * @param precision of the weights, and in training of gradients and moments
 * @param kv how keys and values are stored
 * @param context positions of each sequence
 * @param batch sequences at once
 */
public record Workload(
    Device device,
    boolean training,
    Precision precision,
    KvLayout.Type kv,
    int context,
    int batch) {
  /** Of a model that says nothing itself: one sequence of a usual length, in half precision. */
  public static final Workload USUAL =
      new Workload(Device.CPU, false, Precision.F16, KvLayout.Type.F16, 2048, 1);

  /** Far above what any model is made for. */
  private static final int MOST_POSITIONS = 1 << 24;

  private static final int MOST_SEQUENCES = 1 << 16;

  /**
   * @throws IllegalArgumentException if a number is out of range
   */
  public Workload {
    check("context", context, MOST_POSITIONS);
    check("batch", batch, MOST_SEQUENCES);
  }

  /** The same of one sequence. */
  public Workload alone() {
    return new Workload(device, training, precision, kv, context, 1);
  }

  private static void check(String what, int value, int most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(
          "%s must be from 1 to %d, not %d".formatted(what, most, value));
    }
  }
}
