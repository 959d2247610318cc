package io.chasqui.engine;

import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.StopSequences;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** What to generate: a prompt as token ids, and how to go on from it. Immutable. */
public final class GenerationRequest {
  /** No limit but the model's context. */
  public static final int NO_LIMIT = Integer.MAX_VALUE;

  /** The most answers to one request. */
  public static final int MOST_CHOICES = 64;

  /** The most likely tokens that log probabilities are told of. */
  public static final int MOST_LOGPROBS = 20;

  private final int[] prompt;
  private final SamplingParameters sampling;
  private final int maxTokens;
  private final StopSequences stops;
  private final Optional<Speculation> speculation;
  private final int choices;
  private final int computedChoices;
  private final Optional<BeamParameters> beams;
  private final OptionalInt logprobs;
  private final boolean promptLogprobs;
  private final boolean cachesPrompt;
  private final long cacheSalt;
  private final int priority;
  private final String owner;
  private final Optional<Duration> timeout;

  private GenerationRequest(Builder builder) {
    prompt = builder.prompt;
    sampling = builder.sampling;
    maxTokens = builder.maxTokens;
    stops = new StopSequences(builder.stop);
    speculation = builder.speculation;
    choices = builder.choices;
    computedChoices = Math.max(builder.bestOf, builder.choices);
    beams = builder.beams;
    logprobs = builder.logprobs;
    promptLogprobs = builder.promptLogprobs;
    cachesPrompt = builder.cachesPrompt;
    cacheSalt = builder.cacheSalt;
    priority = builder.priority;
    owner = builder.owner;
    timeout = builder.timeout;
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

  /** The most tokens that each answer may have; 0 where only the prompt's probabilities count. */
  public int maxTokens() {
    return maxTokens;
  }

  /** Sequences before which an answer ends. */
  public List<String> stop() {
    return stops.texts();
  }

  /** The same, as its answers look for them. */
  StopSequences stops() {
    return stops;
  }

  /** Whether to guess tokens ahead; empty leaves it to the engine's option. */
  public Optional<Speculation> speculation() {
    return speculation;
  }

  /** How many answers there are. */
  public int choices() {
    return choices;
  }

  /** How many answers are computed, of which the best are given. */
  public int computedChoices() {
    return computedChoices;
  }

  /** How to search for the likeliest answers, instead of choosing token by token. */
  public Optional<BeamParameters> beams() {
    return beams;
  }

  /**
   * The most tokens that its {@link Usage} can have in all.
   *
   * @param contextLength the most tokens of prompt and answer together
   */
  public long maxTotalTokens(int contextLength) {
    long ofEach = Math.clamp((long) contextLength - prompt.length, 0, maxTokens);
    return prompt.length + ofEach * beams.map(BeamParameters::numBeams).orElse(computedChoices);
  }

  /**
   * Of how many most likely tokens the probabilities are told beside those of the chosen ones;
   * empty for no probabilities at all.
   */
  public OptionalInt logprobs() {
    return logprobs;
  }

  /** Whether the probabilities of the prompt's tokens are told. */
  public boolean promptLogprobs() {
    return promptLogprobs;
  }

  /** Whether the prefix cache is used, and gets what this request computes. */
  public boolean cachesPrompt() {
    return cachesPrompt;
  }

  /** Only requests of the same salt share what they compute. */
  public long cacheSalt() {
    return cacheSalt;
  }

  /** Of requests whose turn has not come, the least goes first. */
  public int priority() {
    return priority;
  }

  /** Whose request it is: owners share the queue. */
  public String owner() {
    return owner;
  }

  /** How long after its submission the answer ends, whatever it has. */
  public Optional<Duration> timeout() {
    return timeout;
  }

  /** One answer, greedy, without a limit and without stop sequences, unless told otherwise. */
  public static final class Builder {
    private final int[] prompt;
    private SamplingParameters sampling = SamplingParameters.GREEDY;
    private int maxTokens = NO_LIMIT;
    private List<String> stop = List.of();
    private Optional<Speculation> speculation = Optional.empty();
    private int choices = 1;
    private int bestOf;
    private Optional<BeamParameters> beams = Optional.empty();
    private OptionalInt logprobs = OptionalInt.empty();
    private boolean promptLogprobs;
    private boolean cachesPrompt = true;
    private long cacheSalt;
    private int priority;
    private String owner = "";
    private Optional<Duration> timeout = Optional.empty();

    private Builder(int[] prompt) {
      this.prompt = prompt;
    }

    public Builder sampling(SamplingParameters sampling) {
      this.sampling = sampling;
      return this;
    }

    /**
     * Limits the tokens of each answer.
     *
     * @param maxTokens 0 only together with {@link #promptLogprobs}
     * @throws IllegalArgumentException if it is negative
     */
    public Builder maxTokens(int maxTokens) {
      requireWithin("max_tokens", maxTokens, 0, NO_LIMIT);
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

    /**
     * Asks for several answers, which draw other numbers each; the prompt is computed once.
     *
     * @throws IllegalArgumentException if it is not from 1 to {@value #MOST_CHOICES}
     */
    public Builder choices(int n) {
      requireWithin("n", n, 1, MOST_CHOICES);
      choices = n;
      return this;
    }

    /**
     * Computes more answers than are wanted, and gives those whose tokens are the most likely on
     * average (the mean of their log probabilities), when all have ended.
     *
     * @throws IllegalArgumentException if it is not from 1 to {@value #MOST_CHOICES}
     */
    public Builder bestOf(int bestOf) {
      requireWithin("best_of", bestOf, 1, MOST_CHOICES);
      this.bestOf = bestOf;
      return this;
    }

    /**
     * Searches for the likeliest answers with so many beams, instead of choosing token by token.
     * They are given when all are found, as many as the parameters say. No tokens are guessed
     * meanwhile.
     */
    public Builder beams(BeamParameters parameters) {
      beams = Optional.of(parameters);
      return this;
    }

    /**
     * Asks how likely each token was, in the model's own distribution, before temperature and all
     * else.
     *
     * @param top tells so many most likely tokens beside each
     * @throws IllegalArgumentException if it is not from 0 to {@value #MOST_LOGPROBS}
     */
    public Builder logprobs(int top) {
      requireWithin("logprobs", top, 0, MOST_LOGPROBS);
      logprobs = OptionalInt.of(top);
      return this;
    }

    /**
     * Asks for the same of the prompt's tokens. All of the prompt is computed then, cached or not.
     */
    public Builder promptLogprobs() {
      promptLogprobs = true;
      return this;
    }

    /** Neither takes anything of the prompt from the prefix cache nor leaves anything there. */
    public Builder withoutPromptCache() {
      cachesPrompt = false;
      return this;
    }

    /** Shares what is computed with requests of the same salt only. */
    public Builder cacheSalt(long salt) {
      cacheSalt = salt;
      return this;
    }

    /** The least goes first; 0 for those that do not say. */
    public Builder priority(int priority) {
      this.priority = priority;
      return this;
    }

    /**
     * Says whose request it is: when many wait, no owner's keep those of others out. Of requests
     * that are equally urgent, one goes first of whose owner fewest run.
     */
    public Builder owner(String owner) {
      this.owner = owner;
      return this;
    }

    /**
     * Ends the answer so long after its submission, whatever it has.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder timeout(Duration timeout) {
      if (!timeout.isPositive()) {
        throw new IllegalArgumentException("the timeout must be positive, but is " + timeout);
      }
      this.timeout = Optional.of(timeout);
      return this;
    }

    private static void requireWithin(String name, int value, int min, int max) {
      if (value < min || value > max) {
        throw new IllegalArgumentException(
            "%s must be from %d to %d, but is %d".formatted(name, min, max, value));
      }
    }

    /**
     * Makes the request.
     *
     * @throws IllegalArgumentException if fewer answers are computed than are wanted, or no token
     *     is wanted and no probability either, or something is wanted that beams do not give
     */
    public GenerationRequest build() {
      if (beams.isPresent()) {
        requireWhatBeamsGive();
      }
      if (bestOf > 0 && bestOf < choices) {
        throw new IllegalArgumentException(
            "best_of must be at least n, but is %d with n %d".formatted(bestOf, choices));
      }
      if (maxTokens == 0 && !promptLogprobs) {
        throw new IllegalArgumentException("max_tokens must be at least 1, but is 0");
      }
      return new GenerationRequest(this);
    }

    private void requireWhatBeamsGive() {
      if (choices > 1 || bestOf > 1) {
        throw new IllegalArgumentException(
            "how many answers num_beams gives is a parameter of its own; leave choices and best_of out");
      }
      if (promptLogprobs) {
        throw new IllegalArgumentException(
            "num_beams gives no log probabilities of the prompt; ask for them without it");
      }
    }
  }
}
