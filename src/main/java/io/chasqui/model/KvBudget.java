package io.chasqui.model;

import static io.chasqui.model.ProcessMemory.mebibytes;

import io.chasqui.kernel.KvLayout;

/**
 * The memory that keys and values may take together: what somebody has set, or what the container's
 * limit leaves beside everything else. It is computed once, before anything is allocated.
 *
 * @param bytes for all layers together; may be negative where even the rest does not fit
 * @param process what else is in memory
 * @param isGiven whether somebody has set it
 */
public record KvBudget(long bytes, ProcessMemory process, boolean isGiven) {
  /** With fewer positions a model has no conversation. */
  static final int LEAST_CONTEXT = 256;

  /** Of a sequence, where nobody says how long they are: a turn of a conversation. */
  private static final int USUAL_POSITIONS = 512;

  /** More sequences make a step longer than they make it worth, on the processors of a function. */
  public static final int MOST_SEQUENCES = 16;

  private static final String CURE_OF_LIMIT =
      "Raise the container's memory limit, lower the maximal heap (-Xmx), or store keys and values in"
          + " 8 bits.";

  /** What the limit leaves. */
  public static KvBudget of(ProcessMemory process) {
    return new KvBudget(process.left(), process, false);
  }

  /**
   * What somebody has set.
   *
   * @throws IllegalStateException if the limit does not leave as much
   */
  public static KvBudget given(long bytes, ProcessMemory process) {
    if (bytes > process.left()) {
      throw new IllegalStateException(
          "A memory limit of %s does not hold %s for keys and values: with %s it would have to be %s. Raise it, or allow keys and values less."
              .formatted(
                  mebibytes(process.limit()),
                  mebibytes(bytes),
                  process,
                  mebibytes(process.needed() + bytes)));
    }
    return new KvBudget(bytes, process, true);
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
      throw tooSmall(KvLayout.blocks(LEAST_CONTEXT) * blockBytes);
    }
    return (int) positions;
  }

  private IllegalStateException tooSmall(long least) {
    return new IllegalStateException(
        isGiven
            ? "Keys and values of %d tokens take %s, but %s are allowed for them. %s"
                .formatted(LEAST_CONTEXT, mebibytes(least), mebibytes(bytes), cure())
            : "A memory limit of %s does not hold this model, which needs %s: %s, and %s for keys and values of %d tokens. %s"
                .formatted(
                    mebibytes(process.limit()),
                    mebibytes(process.needed() + least),
                    process,
                    mebibytes(least),
                    LEAST_CONTEXT,
                    cure()));
  }

  /** What to do where it is too little. */
  public String cure() {
    return isGiven ? "Allow them more, or store them in 8 bits." : CURE_OF_LIMIT;
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
}
