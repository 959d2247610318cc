package io.chasqui.model;

/**
 * What a process has to hold in memory beside keys and values, in bytes. It is known before
 * anything is allocated, so that the system never ends the process for its memory.
 *
 * @param limit what it may take in all; {@link Long#MAX_VALUE} if nobody knows
 * @param heap the most that the Java heap grows to
 * @param weights counted although they are mapped: a model whose weights do not stay in memory is
 *     read from the disk for every token
 */
public record ProcessMemory(long limit, long heap, long weights) {
  /** Code, class data, threads, the decoder's own buffers. */
  public static final long PROGRAM_BYTES = 160L << 20;

  /**
   * That of this process, with the limit of its container and the heap that it was started with.
   */
  public static ProcessMemory ofThisProcess(long weights) {
    return new ProcessMemory(MemoryLimit.bytes(), Runtime.getRuntime().maxMemory(), weights);
  }

  /** What is needed before there is a key or a value. */
  long needed() {
    return heap + weights + PROGRAM_BYTES;
  }

  /** What the limit leaves for keys and values; negative where even the rest does not fit. */
  long left() {
    return limit - needed();
  }

  /** The parts, for people. */
  @Override
  public String toString() {
    return "%s for weights, %s for the heap, %s for the program"
        .formatted(mebibytes(weights), mebibytes(heap), mebibytes(PROGRAM_BYTES));
  }

  /** For people, rounded up. */
  public static String mebibytes(long bytes) {
    return Math.ceilDiv(Math.max(0, bytes), 1L << 20) + " MiB";
  }
}
