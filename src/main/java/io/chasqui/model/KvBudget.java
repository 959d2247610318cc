package io.chasqui.model;

import io.chasqui.kernel.KvLayout;

/**
 * The memory that keys and values may take together: what the container's limit leaves beside the
 * weights, the heap and the program itself. It is computed once, before anything is allocated, so
 * that the system never ends the process for its KV memory.
 *
 * @param bytes for all layers together; may be negative where even the rest does not fit
 * @param cure what to do where that is too little
 */
public record KvBudget(long bytes, String cure) {
  /**
   * What a process takes beside weights, heap and KV blocks: code, class data, threads, the
   * decoder's own buffers.
   */
  static final long PROGRAM_BYTES = 160L << 20;

  /** With fewer positions a model has no conversation. */
  static final int LEAST_CONTEXT = 256;

  /** Of a sequence, where nobody says how long they are: a turn of a conversation. */
  private static final int USUAL_POSITIONS = 512;

  /** More sequences make a step longer than they make it worth, on the processors of a function. */
  public static final int MOST_SEQUENCES = 16;

  private static final String OF_CONTAINER =
      "Raise the container's memory limit, lower the JVM's maximal heap (-Xmx), or store them in 8"
          + " bits.";

  /**
   * The budget of this process.
   *
   * @param weightBytes counted although they are mapped: a model whose weights do not stay in
   *     memory is read from the disk for every token
   */
  public static KvBudget ofThisProcess(long weightBytes) {
    return of(MemoryLimit.bytes(), Runtime.getRuntime().maxMemory(), weightBytes);
  }

  static KvBudget of(long limit, long heap, long weightBytes) {
    return new KvBudget(limit - heap - weightBytes - PROGRAM_BYTES, OF_CONTAINER);
  }

  /** A budget that somebody has set. */
  public static KvBudget given(long bytes) {
    return new KvBudget(bytes, "Allow them more, or store them in 8 bits.");
  }

  /**
   * The context that fits.
   *
   * @param wanted the most positions that are of use
   * @return at most {@code wanted}
   * @throws IllegalStateException if not even {@value #LEAST_CONTEXT} positions fit
   */
  public int context(KvLayout layout, int layers, int wanted) {
    long blockBytes = layers * layout.blockBytes();
    long blocks = Math.max(0, bytes) / blockBytes;
    long positions = Math.min(blocks * KvLayout.BLOCK_POSITIONS, wanted);
    if (positions < Math.min(wanted, LEAST_CONTEXT)) {
      throw new IllegalStateException(
          "Keys and values of %d tokens take %d MiB, but %d MiB are left for them. %s"
              .formatted(
                  LEAST_CONTEXT,
                  mebibytes(KvLayout.blocks(LEAST_CONTEXT) * blockBytes),
                  mebibytes(),
                  cure));
    }
    return (int) positions;
  }

  /**
   * How many sequences can run at once without running out of memory as a rule.
   *
   * @param context what {@link #context} has said
   * @return from 1 to {@value #MOST_SEQUENCES}
   */
  public int sequences(KvLayout layout, int layers, int context) {
    long affordable = Math.max(0, bytes) / (layers * layout.blockBytes());
    int each = KvLayout.blocks(Math.min(context, USUAL_POSITIONS));
    return (int) Math.clamp(affordable / each, 1, MOST_SEQUENCES);
  }

  /**
   * Blocks of each layer for sequences that run at once.
   *
   * @param context what {@link #context} has said
   * @return for at least one sequence of that length, at most for all of them
   */
  public int blocks(KvLayout layout, int layers, int sequences, int context) {
    long affordable = Math.max(0, bytes) / (layers * layout.blockBytes());
    long wanted = (long) sequences * KvLayout.blocks(context);
    return (int) Math.max(KvLayout.blocks(context), Math.min(affordable, wanted));
  }

  /** The budget for people to read, rounded up. */
  public long mebibytes() {
    return mebibytes(bytes);
  }

  private static long mebibytes(long bytes) {
    return Math.ceilDiv(Math.max(0, bytes), 1L << 20);
  }
}
