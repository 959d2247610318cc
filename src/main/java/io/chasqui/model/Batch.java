package io.chasqui.model;

import java.util.ArrayList;
import java.util.List;

/** The tokens of one step: a run of tokens for each of some sequences. */
public final class Batch {
  /**
   * A run of tokens at the end of a sequence.
   *
   * @param outputs how many of the last tokens need logits
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared, and nobody writes to it
  record Span(Sequence sequence, int[] tokens, int outputs) {}

  private final List<Span> spans = new ArrayList<>();
  private int tokens;
  private int outputs;

  /**
   * Adds a run of tokens.
   *
   * @param tokens ids within the vocabulary, at least one; not copied
   * @param outputs how many of the last tokens need logits: 0 in the middle of a prompt, 1 to go on
   *     from its end
   * @return the row of the first of these outputs
   */
  public int add(Sequence sequence, int[] tokens, int outputs) {
    if (tokens.length == 0 || outputs < 0 || outputs > tokens.length) {
      throw new IllegalArgumentException(
          "%d outputs of %d tokens".formatted(outputs, tokens.length));
    }
    spans.add(new Span(sequence, tokens, outputs));
    this.tokens += tokens.length;
    int row = this.outputs;
    this.outputs += outputs;
    return row;
  }

  List<Span> spans() {
    return spans;
  }

  /** Tokens in all. */
  public int tokens() {
    return tokens;
  }

  /** Rows of logits in all. */
  public int outputs() {
    return outputs;
  }
}
