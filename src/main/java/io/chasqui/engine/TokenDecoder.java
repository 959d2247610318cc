package io.chasqui.engine;

import java.util.List;

/**
 * A forward pass over a step of several sequences: token ids in, rows of logits out. For one thread
 * at a time.
 */
interface TokenDecoder extends AutoCloseable {
  /** The name of what computes, see {@link ModelInfo#kernels}. */
  String kernels();

  /** The most sequences that can be open at once. */
  int maxSequences();

  /** The most tokens of a step. */
  int maxTokens();

  /** The most rows of logits of a step. */
  int maxOutputs();

  /** Whether a step may ask for several rows of one sequence, to verify drafted tokens. */
  boolean verifiesDrafts();

  /** An empty sequence. */
  Sequence newSequence();

  /** Whether there is KV memory for so many positions more, as things are. */
  boolean hasRoom(int positions);

  /** Positions that there is KV memory for when nobody else has any. */
  long maxPositions();

  /** The part of the KV memory that sequences use, from 0 to 1; for any thread. */
  double usage();

  /**
   * A run of tokens at the end of a sequence, which has reserved their positions.
   *
   * @param tokens ids within the vocabulary
   * @param outputs of how many of the last tokens somebody asks what could follow them: 0 in the
   *     middle of a prompt
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared, and nobody writes to it
  record Run(Sequence sequence, int[] tokens, int outputs) {}

  /** The most threads that {@link #share} runs work on. */
  int members();

  /**
   * Does pieces of work that do not depend on each other, on the threads that compute the steps,
   * and returns when all are done.
   *
   * @param work must not throw
   */
  void share(int pieces, SharedWork work);

  /** Does pieces of work on the caller's thread. */
  static void inTurn(int pieces, SharedWork work) {
    for (int piece = 0; piece < pieces; piece++) {
      work.run(piece, 0);
    }
  }

  /** One of several pieces of work. */
  @FunctionalInterface
  interface SharedWork {
    /**
     * Does a piece of it.
     *
     * @param piece from 0
     * @param member which thread does it: 0, that of the caller, to below {@link #members}
     */
    void run(int piece, int member);
  }

  /** Appends the tokens of each run to its sequence and computes what could follow them. */
  void forward(List<Run> step);

  /**
   * Copies a row of logits of the last step; for any thread of {@link #share}.
   *
   * @param row counted over the outputs of all runs, in their order
   * @param into {@code [vocabulary]}
   */
  void logits(int row, float[] into);

  @Override
  void close();

  /** The KV memory of one request and its length so far. */
  interface Sequence extends AutoCloseable {
    /** Positions computed so far. */
    int length();

    /**
     * Shares what another sequence has computed of the same tokens, or what was packed with the
     * model of them, if this is empty still. Without this call, nobody shares what this sequence
     * computes either.
     *
     * @param tokens what it is to compute; the last of them is computed in any case
     * @param salt sequences share with those of the same salt only
     * @return how many tokens are there, as if they had been computed
     */
    int adopt(int[] tokens, long salt);

    /**
     * A second sequence with the same positions, which share memory until they differ; an empty one
     * where the decoder has no shared memory.
     */
    Sequence fork();

    /** Makes room for further positions; false, and nothing is done, if there is none. */
    boolean reserve(int positions);

    /**
     * Forgets the last tokens, drafted ones that turned out wrong.
     *
     * @param length how many tokens stay
     * @throws UnsupportedOperationException if any would go and the decoder verifies no drafts
     */
    void truncate(int length);

    @Override
    void close();
  }
}
