package io.chasqui.sampling;

/**
 * How tokens are drawn from the model's distribution. Names and meaning are those of Hugging Face's
 * {@code GenerationConfig}; the order of application is temperature, {@code top_k}, {@code top_p}.
 *
 * @param temperature divides the logits; 0 means greedy: the most likely token, always
 * @param topK keeps this many most likely tokens; 0 keeps all
 * @param topP keeps the smallest set of most likely tokens whose probabilities sum to at least this
 *     (nucleus sampling, Holtzman et al. 2019); 1 keeps all
 * @param seed the same seed, prompt and parameters give the same text
 */
public record SamplingParameters(double temperature, int topK, double topP, long seed) {
  /** Hugging Face's and OpenAI's upper bound for a sensible temperature. */
  public static final double MAX_TEMPERATURE = 2.0;

  public static final SamplingParameters GREEDY = new SamplingParameters(0, 0, 1, 0);

  /**
   * @throws IllegalArgumentException if a parameter is out of its range; the message names it
   */
  public SamplingParameters {
    if (!(temperature >= 0 && temperature <= MAX_TEMPERATURE)) {
      throw new IllegalArgumentException(
          "temperature must be between 0 and 2, but is " + temperature);
    }
    if (topK < 0) {
      throw new IllegalArgumentException("top_k must be 0 (off) or positive, but is " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new IllegalArgumentException("top_p must be above 0 and at most 1, but is " + topP);
    }
  }
}
