package io.chasqui.engine;

import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.sampling.BeamScorer;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.sampling.TokenSet;
import io.chasqui.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One admitted request, from its submission to its end: its reader, its clock, what it has used,
 * and the {@link Course}s that compute it. Only the engine's thread changes it, but for one that
 * ends before its turn has come.
 */
final class Answer {
  /** Tokens that all choices together may be ahead of their reader. */
  static final int CHANNEL_CAPACITY = 128;

  /** The same of tokens with their log probabilities, which take some three times the memory. */
  static final int CHANNEL_CAPACITY_WITH_LOGPROBS = 32;

  /** Tokens that each choice may be ahead in any case, so that few steps wait for a reader. */
  static final int MIN_CAPACITY_OF_CHOICE = 4;

  private static final int UNKNOWN = -1;

  private static final Duration FOREVER = Duration.ofDays(365);

  /** What all answers of an engine share. */
  static final class Shared {
    final Tokenizer tokenizer;
    final EngineOptions options;
    final TokenSet endOfText;

    /** Of the engine's thread. */
    final BeamScorer beamScorer;

    private final int vocabularySize;

    /** Of each member that chooses, made by that member when it does so for the first time. */
    private final Chooser[] choosers;

    /**
     * @param members threads that choose tokens; the first is the engine's
     */
    Shared(
        Tokenizer tokenizer,
        EngineOptions options,
        TokenSet endOfText,
        int vocabularySize,
        int members) {
      this.tokenizer = tokenizer;
      this.options = options;
      this.endOfText = endOfText;
      this.vocabularySize = vocabularySize;
      choosers = new Chooser[members];
      beamScorer = new BeamScorer(chooser(0).sampler());
    }

    /** For that member only. */
    Chooser chooser(int member) {
      if (choosers[member] == null) {
        choosers[member] = new Chooser(vocabularySize, tokenizer.vocabularySize(), endOfText);
      }
      return choosers[member];
    }
  }

  final GenerationRequest request;
  final EventChannel channel;
  final Shared shared;

  /** Counts submissions. */
  final long number;

  /** Of each choice. */
  final int maxTokens;

  private final boolean speculates;

  private final Course firstCourse;

  /** The courses that have not ended. */
  private final List<Course> courses = new ArrayList<>();

  /** Whether the time was up for one that has ended. */
  private boolean isCutShort;

  /** Where only the best are published, when all have ended. */
  private final Optional<BestChoices> best;

  /** Whether nothing is published before the end. */
  private final boolean isWhole;

  /** What is published at the end. */
  private List<Token> found = List.of();

  private final long submitted = System.nanoTime();

  /** Counts beginnings; {@link Long#MAX_VALUE} before its own. */
  private long turn = Long.MAX_VALUE;

  private long begun;

  /** Whether it has a place among those that run: {@link Places}. */
  private boolean isPlaced;

  /** The last step that one of its courses took part in. */
  private long lastStep;

  private long first;
  private long last;

  /** Since when its next token is being chosen. */
  private long choosingSince;

  private long choosing;
  private boolean promptTold;
  private int computed;
  private int published;
  private int cached = UNKNOWN;
  private int drafted;
  private int accepted;

  /** Since when its reader has read nothing while its channel was full; 0 while there is room. */
  private long parkedSince;

  /** The room that there was then. */
  private int parkedRoom;

  /**
   * @param number counts submissions
   * @param maxTokens of each choice
   * @param speculates whether tokens are guessed
   * @param onCancel run once, by whoever cancels
   * @param onRoom run when a reader has made room for tokens again
   */
  Answer(
      GenerationRequest request,
      long number,
      int maxTokens,
      boolean speculates,
      Shared shared,
      Runnable onCancel,
      Runnable onRoom) {
    this.request = request;
    this.number = number;
    this.maxTokens = maxTokens;
    this.speculates = speculates;
    this.shared = shared;
    int choices = request.computedChoices();
    channel = new EventChannel(capacity(request), choices, onCancel, onRoom);
    best =
        choices > request.choices()
            ? Optional.of(new BestChoices(request.choices()))
            : Optional.empty();
    isWhole = best.isPresent() || request.beams().isPresent();
    firstCourse =
        request
            .beams()
            .<Course>map(beams -> new Beams(this, beams))
            .orElseGet(() -> new Choice(this, 0));
    courses.add(firstCourse);
  }

  private static int capacity(GenerationRequest request) {
    return Math.max(
        request.logprobs().isPresent() ? CHANNEL_CAPACITY_WITH_LOGPROBS : CHANNEL_CAPACITY,
        MIN_CAPACITY_OF_CHOICE * request.computedChoices());
  }

  /** The course that computes the prompt, whether it has ended or not. */
  Course first() {
    return firstCourse;
  }

  /** The courses that have not ended. */
  List<Course> courses() {
    return List.copyOf(courses);
  }

  void add(Course course) {
    courses.add(course);
  }

  /** Whether tokens are guessed. */
  boolean speculates() {
    return speculates;
  }

  /** Whether its turn has come once. */
  boolean hasBegun() {
    return begun != 0;
  }

  /** When its turn came, as a number that counts turns; the largest number before that. */
  long turn() {
    return turn;
  }

  /**
   * Its turn has come, for the first time.
   *
   * @param number counts turns
   */
  void begin(long number) {
    turn = number;
    begun = System.nanoTime();
  }

  /** The number of the last step that one of its courses took part in; 0 before the first. */
  long lastStep() {
    return lastStep;
  }

  void setLastStep(long step) {
    lastStep = step;
  }

  /** Sequences that it asks for, those that wait included. */
  int width() {
    return Course.width(courses);
  }

  boolean isPlaced() {
    return isPlaced;
  }

  void setPlaced(boolean placed) {
    isPlaced = placed;
  }

  /** Whether it has to wait for its reader. */
  boolean isParked(long now) {
    int room = channel.room();
    if (isWhole || room >= courses.size()) {
      parkedSince = 0;
      return false;
    }
    if (parkedSince == 0 || room > parkedRoom) {
      parkedSince = now;
      parkedRoom = room;
    }
    return true;
  }

  /** The most tokens that the reader has room for, of each course. */
  int room() {
    return isWhole ? Integer.MAX_VALUE : channel.room() / courses.size();
  }

  /** Why it has to end now, whatever it has; null if it can go on. */
  FinishReason cutOff(long now) {
    if (channel.isCancelled()) {
      return FinishReason.CANCELLED;
    }
    if (isParked(now) && nanosUntilStalled(now) <= 0) {
      return FinishReason.UNREAD;
    }
    return nanosUntilDeadline(now) <= 0 ? FinishReason.DEADLINE : null;
  }

  /** Whether its time is up, so that a token that is chosen now is the last. */
  boolean isOverdue() {
    return nanosUntilDeadline(System.nanoTime()) <= 0;
  }

  /** How long it can be left alone if nobody reads. */
  long nanosUntilCutOff(long now) {
    return Math.min(nanosUntilStalled(now), nanosUntilDeadline(now));
  }

  private long nanosUntilStalled(long now) {
    return parkedSince == 0
        ? Long.MAX_VALUE
        : parkedSince + nanos(shared.options.stallTimeout()) - now;
  }

  private long nanosUntilDeadline(long now) {
    return request
        .timeout()
        .map(timeout -> submitted + nanos(timeout) - now)
        .orElse(Long.MAX_VALUE);
  }

  private static long nanos(Duration timeout) {
    return timeout.compareTo(FOREVER) < 0 ? timeout.toNanos() : FOREVER.toNanos();
  }

  /**
   * The prompt was found in the prefix cache up to this length. What is found when it is computed
   * again is its own.
   */
  void cached(int tokens) {
    if (cached == UNKNOWN) {
      cached = tokens;
    }
  }

  /** A draft was verified. */
  void verified(int guesses, int right) {
    drafted += guesses;
    accepted += right;
    shared.options.listener().verified(guesses, right);
  }

  /** Publishes the prompt's probabilities, once. */
  void publishPrompt(List<Optional<TokenLogprobs>> logprobs) {
    if (!promptTold) {
      promptTold = true;
      channel.put(new GenerationEvent.Prompt(List.copyOf(logprobs)));
    }
  }

  /** A step was computed, and what comes next is chosen from it. */
  void computed(long now) {
    choosingSince = now;
  }

  /**
   * Notes when a token is chosen.
   *
   * @param previous when the one before it of the same course was; 0 if it is the first
   * @return when
   */
  long measure(long previous) {
    long now = System.nanoTime();
    if (first == 0) {
      first = now;
      shared.options.listener().firstToken(Duration.ofNanos(now - submitted));
    } else if (previous != 0) {
      shared.options.listener().nextToken(Duration.ofNanos(now - previous));
    }
    last = now;
    choosing += now - choosingSince;
    choosingSince = now;
    return now;
  }

  /** Counts the tokens of a step of a search, which are not published as they come. */
  void searched(int tokens) {
    computed += tokens;
  }

  /** Takes what a search publishes at its end. */
  void found(List<Token> tokens) {
    found = tokens;
  }

  /** Hands a token to the reader, or keeps it until the best are known. */
  void publish(Token token, double logprob) {
    if (best.isPresent()) {
      best.get().add(token, logprob);
    } else if (channel.put(token)) {
      published++;
    } else {
      throw new IllegalStateException("a step was computed for a channel without room");
    }
    computed++;
  }

  /**
   * A course has ended.
   *
   * @return why the answer has, or null if other courses go on
   */
  FinishReason ended(Course course, FinishReason reason) {
    course.giveMemoryBack();
    courses.remove(course);
    isCutShort |= reason == FinishReason.DEADLINE;
    if (!courses.isEmpty()) {
      return null;
    }
    return isCutShort ? FinishReason.DEADLINE : reason;
  }

  /** Gives everything back and tells the reader; the engine's thread, or before it began. */
  void end(FinishReason reason) {
    try {
      giveMemoryBack();
      List<Token> rest = reason.isCut() ? List.of() : best.map(BestChoices::tokens).orElse(found);
      Finished end = new Finished(reason, published + rest.size(), usage(), timings());
      shared.options.listener().finished(end);
      channel.finish(rest, end);
    } catch (RuntimeException | Error e) {
      channel.fail(e, usage()); // whatever breaks here, the reader must not wait for ever
      throw e;
    }
  }

  private Usage usage() {
    return new Usage(request.promptLength(), Math.max(0, cached), computed, drafted, accepted);
  }

  private Timings timings() {
    long now = System.nanoTime();
    long start = begun == 0 ? now : begun;
    long firstToken = first == 0 ? now : first;
    return new Timings(
        Duration.ofNanos(start - submitted),
        Duration.ofNanos(firstToken - start),
        Duration.ofNanos(first == 0 ? 0 : last - firstToken),
        Duration.ofNanos(choosing));
  }

  /** As {@link #end}, of an answer that broke. */
  void fail(Throwable cause) {
    try {
      giveMemoryBack();
      shared.options.listener().failed(cause);
    } finally {
      channel.fail(cause, usage());
    }
  }

  private void giveMemoryBack() {
    courses.forEach(Course::giveMemoryBack);
    courses.clear();
  }

  /** Seconds since its turn came. */
  double seconds() {
    return (System.nanoTime() - begun) / 1e9;
  }

  /** Seconds from its turn to its first token, if that has come. */
  OptionalDouble prefillSeconds() {
    return first == 0 ? OptionalDouble.empty() : OptionalDouble.of((first - begun) / 1e9);
  }
}
