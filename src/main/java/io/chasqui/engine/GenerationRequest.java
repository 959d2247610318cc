package io.chasqui.engine;

import io.chasqui.sampling.SamplingParameters;
import java.util.List;
import java.util.Optional;

/** What to generate: a prompt as token ids, and how to go on from it. Immutable. */
public final class GenerationRequest {
  /** No limit but the model's context. */
  public static final int NO_LIMIT = Integer.MAX_VALUE;

  private final int[] prompt;
  private final SamplingParameters sampling;
  private final int maxTokens;
  private final List<String> stop;
  private final Optional<Speculation> speculation;

  private GenerationRequest(Builder builder) {
    prompt = builder.prompt;
    sampling = builder.sampling;
    maxTokens = builder.maxTokens;
    stop = builder.stop;
    speculation = builder.speculation;
  }

  /**
   * Begins a request.
   *
   * @param prompt token ids, at least one; the array is copied
   * @throws IllegalArgumentException if the prompt is empty
   */
  public static Builder forPrompt(int... prompt) {
    if (prompt.length == 0) {
      throw new IllegalArgumentException("the prompt must have at least one token");
    }
    return new Builder(prompt.clone());
  }

  /** A copy of the prompt's token ids. */
  public int[] prompt() {
    return prompt.clone();
  }

  public int promptLength() {
    return prompt.length;
  }

  public SamplingParameters sampling() {
    return sampling;
  }

  /** The most tokens that the answer may have. */
  public int maxTokens() {
    return maxTokens;
  }

  /** Sequences before which the answer ends. */
  public List<String> stop() {
    return stop;
  }

  /** Whether to guess tokens ahead; empty leaves it to the engine's option. */
  public Optional<Speculation> speculation() {
    return speculation;
  }

  /** Greedy, without a limit and without stop sequences, unless told otherwise. */
  public static final class Builder {
    private final int[] prompt;
    private SamplingParameters sampling = SamplingParameters.GREEDY;
    private int maxTokens = NO_LIMIT;
    private List<String> stop = List.of();
    private Optional<Speculation> speculation = Optional.empty();

    private Builder(int[] prompt) {
      this.prompt = prompt;
    }

    public Builder sampling(SamplingParameters sampling) {
      this.sampling = sampling;
      return this;
    }

    /**
     * Limits the tokens of the answer.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder maxTokens(int maxTokens) {
      if (maxTokens < 1) {
        throw new IllegalArgumentException("max_tokens must be at least 1, but is " + maxTokens);
      }
      this.maxTokens = maxTokens;
      return this;
    }

    /**
     * Ends the answer before the first of these sequences.
     *
     * @throws IllegalArgumentException if a stop sequence is empty
     */
    public Builder stop(List<String> stop) {
      if (stop.stream().anyMatch(String::isEmpty)) {
        throw new IllegalArgumentException("a stop sequence must not be empty");
      }
      this.stop = List.copyOf(stop);
      return this;
    }

    /**
     * Says whether to guess tokens ahead, whatever the engine does without being told. Changes the
     * speed, never the text.
     */
    public Builder speculation(Speculation speculation) {
      this.speculation = Optional.of(speculation);
      return this;
    }

    public GenerationRequest build() {
      return new GenerationRequest(this);
    }
  }
}
