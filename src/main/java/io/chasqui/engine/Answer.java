package io.chasqui.engine;

import io.chasqui.engine.TokenDecoder.Run;
import io.chasqui.sampling.Sampler;
import io.chasqui.sampling.StopMatcher;
import io.chasqui.sampling.TokenHistory;
import io.chasqui.sampling.TokenSet;
import io.chasqui.tokenizer.Detokenizer;
import io.chasqui.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;

/**
 * The course of one answer, from its submission to its end: the tokens of prompt and answer, those
 * of them that are computed, and what the next step is to compute. Only the engine's thread changes
 * it.
 *
 * <p>Whether it is at its prompt or at its answer makes no difference: what counts is how many
 * tokens are not computed yet. With the last of them come the logits of the next. An answer that
 * gave its KV memory to another computes all of them again, and goes on with the same text: a row
 * of logits depends on its sequence alone, and the random number of a token on its place.
 */
final class Answer {
  /** Who came first goes first. */
  static final Comparator<Answer> ORDER = Comparator.comparingLong(answer -> answer.number);

  /** Tokens that an answer may be ahead of its reader. */
  static final int CHANNEL_CAPACITY = 128;

  /** What all answers of an engine share. */
  @SuppressWarnings("ArrayRecordComponent") // scratch memory, never compared
  record Shared(
      Tokenizer tokenizer,
      EngineOptions options,
      TokenSet endOfText,
      Sampler sampler,
      float[] logits) {}

  final GenerationRequest request;
  final EventChannel channel;

  /** Counts submissions. */
  private final long number;

  private final Shared shared;
  private final int maxTokens;
  private final Detokenizer detokenizer;
  private final StopMatcher stops;

  /** The tokens of the prompt, and of the answer so far. */
  private final TokenHistory history;

  /** Null where no tokens are guessed. */
  private final PromptLookup lookup;

  /** Null while this waits, or has given its memory to another. */
  private TokenDecoder.Sequence sequence;

  /** What the step at hand computes. */
  private Run run;

  private final long submitted = System.nanoTime();
  private long begun;
  private long first;
  private long last;
  private int produced;
  private int cached;
  private int drafted;
  private int accepted;

  /** When its channel was found full; 0 while there is room. */
  private long parkedSince;

  /**
   * @param number counts submissions
   * @param maxTokens of the answer
   * @param speculates whether tokens are guessed
   */
  Answer(
      GenerationRequest request,
      EventChannel channel,
      long number,
      int maxTokens,
      boolean speculates,
      Shared shared) {
    this.request = request;
    this.channel = channel;
    this.number = number;
    this.maxTokens = maxTokens;
    this.shared = shared;
    detokenizer = shared.tokenizer().newDetokenizer();
    stops = new StopMatcher(request.stop());
    history = new TokenHistory(request.prompt());
    lookup = speculates ? new PromptLookup() : null;
  }

  /** Begins, or goes on after {@link #giveMemoryBack}. */
  void start(TokenDecoder decoder) {
    if (begun == 0) {
      begun = System.nanoTime();
    }
    sequence = decoder.newSequence();
    int adopted = sequence.adopt(history.range(0, history.length()), 0);
    if (produced == 0) {
      cached = adopted;
    }
  }

  /** Its tokens stay and are computed again when it is its turn. */
  void giveMemoryBack() {
    if (sequence != null) {
      sequence.close();
      sequence = null;
    }
  }

  boolean hasMemory() {
    return sequence != null && sequence.length() > 0;
  }

  /** Tokens that are to be computed before the next can be chosen. */
  int pending() {
    return history.length() - (sequence == null ? 0 : sequence.length());
  }

  /** Whether it has to wait for its reader, and for how long it has done so. */
  boolean isParked(long now) {
    if (channel.room() > 0) {
      parkedSince = 0;
      return false;
    }
    if (parkedSince == 0) {
      parkedSince = now;
    }
    return true;
  }

  /** Whether its reader has left it unread for too long; nanoseconds until then if not. */
  long nanosUntilStalled(long now) {
    return parkedSince + shared.options().stallTimeout().toNanos() - now;
  }

  /**
   * Reserves memory for what the next step computes of it.
   *
   * @param mostTokens of the prompt or of a draft, at least 1
   * @param mostOutputs rows of logits, at least 1
   * @return false if there is not enough memory
   */
  boolean plan(int mostTokens, int mostOutputs) {
    int pending = pending();
    int[] next;
    int outputs;
    if (pending == 1 && lookup != null && produced > 0) {
      int most = Math.min(Math.min(mostTokens, mostOutputs), channel.room());
      next = lookup.step(Math.min(most, maxTokens - produced));
      if (next.length > 1 && !sequence.reserve(next.length)) {
        next = new int[] {next[0]}; // the draft is no reason to take another's memory
      }
      outputs = next.length;
    } else {
      int count = Math.min(pending, mostTokens);
      next = history.range(sequence.length(), sequence.length() + count);
      outputs = count == pending ? 1 : 0;
    }
    if (!sequence.reserve(next.length)) {
      return false;
    }
    run = new Run(sequence, next, outputs);
    return true;
  }

  Run run() {
    return run;
  }

  /**
   * Chooses what follows, after the step at hand was computed. A token is chosen as it would be
   * without a draft: from the same logits, and with the random number of its place in the answer.
   *
   * @param row of the first of its outputs
   * @return why the answer ends, or null if it goes on
   */
  FinishReason advance(TokenDecoder decoder, int row) {
    if (run.outputs() == 0) {
      return null;
    }
    if (lookup != null && produced == 0) {
      lookup.append(request.prompt());
    }
    int[] step = run.outputs() > 1 ? run.tokens() : new int[1]; // no draft follows a prompt
    int chosen = 0;
    boolean guessed;
    FinishReason reason;
    do {
      decoder.logits(row + chosen, shared.logits());
      excludePadding();
      int token = shared.sampler().next(shared.logits(), request.sampling(), history, produced);
      chosen++;
      guessed = chosen < step.length && step[chosen] == token;
      measure();
      append(token);
      reason = publish(token);
    } while (guessed && reason == null);
    if (step.length > 1) {
      verified(step.length - 1, guessed ? chosen : chosen - 1);
    }
    if (reason == null) {
      sequence.truncate(history.length() - 1);
    }
    return reason;
  }

  private void append(int token) {
    history.append(token);
    if (lookup != null) {
      lookup.append(token);
    }
  }

  private void verified(int guesses, int right) {
    lookup.verified(guesses, right);
    drafted += guesses;
    accepted += right;
    shared.options().listener().verified(guesses, right);
  }

  /** Models pad their vocabulary to a round number; what has no text is never an answer. */
  private void excludePadding() {
    float[] logits = shared.logits();
    int from = Math.min(shared.tokenizer().vocabularySize(), logits.length);
    Arrays.fill(logits, from, logits.length, Float.NEGATIVE_INFINITY);
  }

  private void measure() {
    long now = System.nanoTime();
    if (produced == 0) {
      first = now;
      shared.options().listener().firstToken(Duration.ofNanos(now - submitted));
    } else {
      shared.options().listener().nextToken(Duration.ofNanos(now - last));
    }
    last = now;
  }

  /** Publishes the token and returns why the answer ends with it, or null when it goes on. */
  private FinishReason publish(int token) {
    FinishReason reason = null;
    String text;
    if (request.sampling().endsWith(token, shared.endOfText())) {
      text = "";
      reason = FinishReason.STOP;
    } else {
      text = stops.append(detokenizer.append(token));
      if (stops.matched() != null) {
        reason = FinishReason.STOP;
      } else if (produced + 1 == maxTokens) {
        reason = FinishReason.LENGTH;
      }
    }
    if (reason != null) {
      // The last token takes along what was held back.
      text += stops.append(detokenizer.flush()) + stops.flush();
    }
    if (channel.isCancelled()) {
      return FinishReason.CANCELLED;
    }
    if (!channel.put(new GenerationEvent.Token(produced, token, text))) {
      throw new IllegalStateException("a step was computed for a channel without room");
    }
    produced++;
    return reason == null && channel.isCancelled() ? FinishReason.CANCELLED : reason;
  }

  /** Gives everything back and tells the subscriber; the engine's thread, or before it began. */
  void end(FinishReason reason) {
    giveMemoryBack();
    long now = System.nanoTime();
    long start = begun == 0 ? now : begun;
    long firstToken = produced == 0 ? now : first;
    var timings =
        new Timings(
            Duration.ofNanos(start - submitted),
            Duration.ofNanos(firstToken - start),
            Duration.ofNanos(produced == 0 ? 0 : last - firstToken));
    var usage = new Usage(request.promptLength(), cached, produced, drafted, accepted);
    var end = new GenerationEvent.Finished(reason, usage, timings);
    shared.options().listener().finished(end);
    channel.finish(end);
  }

  /** As {@link #end}, of an answer that broke. */
  void fail(Throwable cause) {
    giveMemoryBack();
    shared.options().listener().failed(cause);
    channel.fail(cause);
  }

  /** Seconds since its turn came. */
  double seconds() {
    return (System.nanoTime() - begun) / 1e9;
  }
}
