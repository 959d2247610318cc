package io.chasqui.sampling;

/**
 * How wide a {@linkplain BeamSearch beam search} is and when it ends. Names and meaning are those
 * of Hugging Face's {@code GenerationConfig}.
 *
 * @param numBeams sequences that are followed at a time, and hypotheses that are kept
 * @param n hypotheses that are wanted: OpenAI's name of {@code num_return_sequences}
 * @param lengthPenalty the score of a hypothesis is the sum of its tokens' scores, divided by their
 *     number to the power of this: above 0 favours long ones, below 0 short ones
 * @param earlyStopping when to end
 */
public record BeamParameters(
    int numBeams, int n, double lengthPenalty, EarlyStopping earlyStopping) {
  /** Each beam takes a place in a batch, and memory. */
  public static final int MAX_BEAMS = 16;

  /** The bound of the length penalty, up and down: the power of any length is finite. */
  public static final double MAX_LENGTH_PENALTY = 10;

  /**
   * @throws IllegalArgumentException if a parameter is out of its range; the message names it
   */
  public BeamParameters {
    if (numBeams < 1 || numBeams > MAX_BEAMS) {
      throw new IllegalArgumentException(
          "num_beams must be between 1 and %d, but is %d".formatted(MAX_BEAMS, numBeams));
    }
    if (n < 1 || n > numBeams) {
      throw new IllegalArgumentException(
          "n must be between 1 and num_beams, which is %d, but is %d".formatted(numBeams, n));
    }
    SamplingParameters.requireWithin(
        "length_penalty", lengthPenalty, -MAX_LENGTH_PENALTY, MAX_LENGTH_PENALTY);
  }

  /** Hugging Face's defaults: one hypothesis, a length penalty of 1, the heuristic. */
  public BeamParameters(int numBeams) {
    this(numBeams, 1, 1, EarlyStopping.HEURISTIC);
  }
}
