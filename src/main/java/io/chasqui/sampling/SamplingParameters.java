package io.chasqui.sampling;

/**
 * How tokens are drawn from the model's distribution, and which of them end the answer. Names,
 * meaning and order of application are those of Hugging Face's {@code GenerationConfig} ({@code
 * transformers}, {@code generation/utils.py}, {@code _get_logits_processor}): first what changes
 * the scores of some tokens (see {@link ScoreChanges}), then {@code temperature}, {@code top_k},
 * {@code top_p}, {@code min_p}, {@code typical_p}, each on what the one before has left. What
 * OpenAI and vLLM have besides has their names and meaning.
 *
 * @param temperature divides the logits; 0 means greedy: the most likely token, always
 * @param topK keeps this many most likely tokens; 0 keeps all
 * @param topP keeps the smallest set of most likely tokens whose probabilities sum to at least this
 *     (nucleus sampling, Holtzman et al. 2019); 1 keeps all
 * @param minP keeps tokens at least this many times as likely as the most likely one (Nguyen et al.
 *     2024); 0 keeps all
 * @param typicalP keeps the smallest set of tokens whose log-probabilities are closest to the
 *     negative entropy and whose probabilities sum to at least this (locally typical sampling,
 *     Meister et al. 2022); 1 keeps all
 * @param seed the same seed, prompt and parameters give the same text
 * @param repetitionPenalty divides the positive scores and multiplies the negative ones of tokens
 *     that the prompt or the output has (Keskar et al. 2019); 1 changes nothing
 * @param frequencyPenalty is subtracted from the score of a token for each time the output has it
 * @param presencePenalty is subtracted from the score of a token that the output has
 * @param noRepeatNgramSize no sequence of so many tokens comes twice in prompt and output; 0 allows
 *     it
 * @param logitBias is added to scores
 * @param minTokens the output has no token that ends a text before it has so many others
 * @param ignoreEos whether the answer goes on after the model's end of text
 * @param stopTokens end the answer, as the model's end of text does
 */
public record SamplingParameters(
    double temperature,
    int topK,
    double topP,
    double minP,
    double typicalP,
    long seed,
    double repetitionPenalty,
    double frequencyPenalty,
    double presencePenalty,
    int noRepeatNgramSize,
    LogitBias logitBias,
    int minTokens,
    boolean ignoreEos,
    TokenSet stopTokens) {
  /** Hugging Face's and OpenAI's upper bound for a sensible temperature. */
  public static final double MAX_TEMPERATURE = 2.0;

  /** OpenAI's bound of both penalties, up and down. */
  public static final double MAX_PENALTY = 2.0;

  public static final double MIN_REPETITION_PENALTY = 0.01;

  public static final double MAX_REPETITION_PENALTY = 100;

  public static final SamplingParameters GREEDY = builder().build();

  /**
   * @throws IllegalArgumentException if a parameter is out of its range; the message names it
   */
  public SamplingParameters {
    requireWithin("temperature", temperature, 0, MAX_TEMPERATURE);
    if (topK < 0) {
      throw new IllegalArgumentException("top_k must be 0 (off) or positive, but is " + topK);
    }
    requireShare("top_p", topP);
    requireWithin("min_p", minP, 0, 1);
    requireShare("typical_p", typicalP);
    requireWithin(
        "repetition_penalty", repetitionPenalty, MIN_REPETITION_PENALTY, MAX_REPETITION_PENALTY);
    requireWithin("frequency_penalty", frequencyPenalty, -MAX_PENALTY, MAX_PENALTY);
    requireWithin("presence_penalty", presencePenalty, -MAX_PENALTY, MAX_PENALTY);
    if (noRepeatNgramSize < 0) {
      throw new IllegalArgumentException(
          "no_repeat_ngram_size must be 0 (off) or positive, but is " + noRepeatNgramSize);
    }
    if (minTokens < 0) {
      throw new IllegalArgumentException("min_tokens must not be negative, but is " + minTokens);
    }
  }

  /** Temperature, {@code top_k}, {@code top_p} and a seed; nothing else. */
  public SamplingParameters(double temperature, int topK, double topP, long seed) {
    this(temperature, topK, topP, 0, 1, seed, 1, 0, 0, 0, LogitBias.NONE, 0, false, TokenSet.EMPTY);
  }

  static void requireWithin(String name, double value, double min, double max) {
    if (!(value >= min && value <= max)) {
      throw new IllegalArgumentException(
          "%s must be between %s and %s, but is %s".formatted(name, plain(min), plain(max), value));
    }
  }

  private static void requireShare(String name, double value) {
    if (!(value > 0 && value <= 1)) {
      throw new IllegalArgumentException(name + " must be above 0 and at most 1, but is " + value);
    }
  }

  private static String plain(double bound) {
    return bound == Math.rint(bound) ? Long.toString((long) bound) : Double.toString(bound);
  }

  /** Greedy, with nothing else set. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The same for one of several answers to a request, each of which draws other numbers. The first
   * of them, 0, draws as if it were the only one.
   */
  public SamplingParameters ofChoice(int choice) {
    return choice == 0
        ? this
        : new SamplingParameters(
            temperature,
            topK,
            topP,
            minP,
            typicalP,
            Sampler.mix(seed + choice * 0x9E3779B97F4A7C15L),
            repetitionPenalty,
            frequencyPenalty,
            presencePenalty,
            noRepeatNgramSize,
            logitBias,
            minTokens,
            ignoreEos,
            stopTokens);
  }

  /** Whether the most likely token is taken, always. */
  public boolean isGreedy() {
    return temperature == 0;
  }

  /**
   * Whether a token ends the answer.
   *
   * @param endOfText the model's own
   */
  public boolean endsWith(int token, TokenSet endOfText) {
    return (!ignoreEos && endOfText.contains(token)) || stopTokens.contains(token);
  }

  /**
   * How many different tokens end the answer.
   *
   * @param endOfText the model's own
   */
  int endCount(TokenSet endOfText) {
    int count = stopTokens.size();
    if (!ignoreEos) {
      for (int i = 0; i < endOfText.size(); i++) {
        count += stopTokens.contains(endOfText.get(i)) ? 0 : 1;
      }
    }
    return count;
  }

  /**
   * Refuses ids that a model does not have.
   *
   * @throws IllegalArgumentException if a biased token or a stop token is not in the vocabulary;
   *     the message names the parameter
   */
  public void requireVocabulary(int size) {
    logitBias.tokens().requireVocabulary("logit_bias", size);
    stopTokens.requireVocabulary("stop_token_ids", size);
  }

  /** Whether tokens are dropped before one of the rest is drawn. */
  boolean truncates(int vocabularySize) {
    return (topK > 0 && topK < vocabularySize) || topP < 1 || minP > 0 || typicalP < 1;
  }

  /** Sets parameters one by one; see {@link SamplingParameters} for each. */
  public static final class Builder {
    private double temperature;
    private int topK;
    private double topP = 1;
    private double minP;
    private double typicalP = 1;
    private long seed;
    private double repetitionPenalty = 1;
    private double frequencyPenalty;
    private double presencePenalty;
    private int noRepeatNgramSize;
    private LogitBias logitBias = LogitBias.NONE;
    private int minTokens;
    private boolean ignoreEos;
    private TokenSet stopTokens = TokenSet.EMPTY;

    private Builder() {}

    public Builder temperature(double temperature) {
      this.temperature = temperature;
      return this;
    }

    public Builder topK(int topK) {
      this.topK = topK;
      return this;
    }

    public Builder topP(double topP) {
      this.topP = topP;
      return this;
    }

    public Builder minP(double minP) {
      this.minP = minP;
      return this;
    }

    public Builder typicalP(double typicalP) {
      this.typicalP = typicalP;
      return this;
    }

    public Builder seed(long seed) {
      this.seed = seed;
      return this;
    }

    public Builder repetitionPenalty(double repetitionPenalty) {
      this.repetitionPenalty = repetitionPenalty;
      return this;
    }

    public Builder frequencyPenalty(double frequencyPenalty) {
      this.frequencyPenalty = frequencyPenalty;
      return this;
    }

    public Builder presencePenalty(double presencePenalty) {
      this.presencePenalty = presencePenalty;
      return this;
    }

    public Builder noRepeatNgramSize(int noRepeatNgramSize) {
      this.noRepeatNgramSize = noRepeatNgramSize;
      return this;
    }

    public Builder logitBias(LogitBias logitBias) {
      this.logitBias = logitBias;
      return this;
    }

    public Builder minTokens(int minTokens) {
      this.minTokens = minTokens;
      return this;
    }

    public Builder ignoreEos(boolean ignoreEos) {
      this.ignoreEos = ignoreEos;
      return this;
    }

    public Builder stopTokens(TokenSet stopTokens) {
      this.stopTokens = stopTokens;
      return this;
    }

    /**
     * Makes the parameters.
     *
     * @throws IllegalArgumentException if a parameter is out of its range; the message names it
     */
    public SamplingParameters build() {
      return new SamplingParameters(
          temperature,
          topK,
          topP,
          minP,
          typicalP,
          seed,
          repetitionPenalty,
          frequencyPenalty,
          presencePenalty,
          noRepeatNgramSize,
          logitBias,
          minTokens,
          ignoreEos,
          stopTokens);
    }
  }
}
