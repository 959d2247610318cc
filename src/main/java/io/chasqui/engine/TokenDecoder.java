package io.chasqui.engine;

/**
 * A forward pass, one sequence after another: token ids in, a row of logits out. For one thread at
 * a time.
 */
interface TokenDecoder extends AutoCloseable {
  /** An empty sequence; the one before it must be closed. */
  Sequence newSequence();

  @Override
  void close();

  /** The KV memory of one request and its length so far. */
  interface Sequence extends AutoCloseable {
    /**
     * Appends tokens in the middle of a prompt: nobody asks what could follow them.
     *
     * @param tokens ids within the vocabulary, at most {@value SequentialEngine#PREFILL_CHUNK}
     */
    void append(int[] tokens);

    /**
     * Appends tokens and computes what could follow the last of them.
     *
     * @param tokens as for {@link #append}
     * @param next {@code [vocabulary]}: receives the logits
     */
    void forward(int[] tokens, float[] next);

    @Override
    void close();
  }
}
