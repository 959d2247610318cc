package io.chasqui.engine;

/**
 * A forward pass, one sequence after another: token ids in, rows of logits out. For one thread at a
 * time.
 */
interface TokenDecoder extends AutoCloseable {
  /** The name of what computes, see {@link ModelInfo#kernels}. */
  String kernels();

  /** The most outputs of a step; 1 where drafted tokens cannot be verified. */
  int maxOutputs();

  /** An empty sequence; the one before it must be closed. */
  Sequence newSequence();

  @Override
  void close();

  /** The KV memory of one request and its length so far. */
  interface Sequence extends AutoCloseable {
    /**
     * Appends tokens and computes what could follow the last of them.
     *
     * @param tokens ids within the vocabulary, at most {@value SequentialEngine#PREFILL_CHUNK}
     * @param outputs of how many of the last tokens somebody asks what could follow them: 0 in the
     *     middle of a prompt, at most {@link #maxOutputs}
     */
    void forward(int[] tokens, int outputs);

    /**
     * Copies a row of logits of the last step.
     *
     * @param output the row's index, from 0 for the first of the outputs
     * @param into {@code [vocabulary]}
     */
    void logits(int output, float[] into);

    /**
     * Forgets the last tokens, drafted ones that turned out wrong.
     *
     * @param length how many tokens stay
     * @throws UnsupportedOperationException if any would go and the decoder takes one output only
     */
    void truncate(int length);

    @Override
    void close();
  }
}
