package io.chasqui.estimate;

import io.chasqui.kernel.KvLayout;
import java.util.Optional;

/** What somebody asks for of a {@link Workload}; what is empty is left to the model. */
public record MemoryQuestion(
    Optional<Device> device,
    boolean training,
    Optional<Precision> precision,
    Optional<KvLayout.Type> kv,
    Optional<Integer> context,
    Optional<Integer> batch) {

  /**
   * The workload with what is left to the model filled in.
   *
   * @throws IllegalArgumentException if a number is out of range
   */
  public Workload over(Workload usual) {
    return new Workload(
        device.orElse(usual.device()),
        training,
        precision.orElse(usual.precision()),
        kv.orElse(usual.kv()),
        context.orElse(usual.context()),
        batch.orElse(usual.batch()));
  }
}
