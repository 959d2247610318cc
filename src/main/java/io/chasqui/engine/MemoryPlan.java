package io.chasqui.engine;

import io.chasqui.kernel.KvLayout;
import io.chasqui.model.ProcessMemory;
import java.util.OptionalLong;

/**
 * What an engine may take of memory, decided at its start, in bytes.
 *
 * @param limit of the container, or what the machine has; empty if the system does not tell
 * @param weights of the model, mapped from its file
 * @param heap the most that the Java heap grows to
 * @param program code, class data, threads and buffers, a constant
 * @param keysAndValues allocated at the start, in use as sequences need them
 */
public record MemoryPlan(
    OptionalLong limit, long weights, long heap, long program, long keysAndValues) {

  static MemoryPlan of(ProcessMemory process, KvLayout kv, int layers, int blocks) {
    return new MemoryPlan(
        process.limit() == Long.MAX_VALUE ? OptionalLong.empty() : OptionalLong.of(process.limit()),
        process.weights(),
        process.heap(),
        ProcessMemory.PROGRAM_BYTES,
        layers * kv.blockBytes() * blocks);
  }

  /** In one line, for people. */
  @Override
  public String toString() {
    return "weights %s, heap %s, program %s, keys and values %s, of %s"
        .formatted(
            ProcessMemory.mebibytes(weights),
            ProcessMemory.mebibytes(heap),
            ProcessMemory.mebibytes(program),
            ProcessMemory.mebibytes(keysAndValues),
            limit.isPresent() ? ProcessMemory.mebibytes(limit.getAsLong()) : "no limit");
  }
}
