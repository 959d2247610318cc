package io.chasqui.engine;

import io.chasqui.engine.TokenDecoder.Run;
import io.chasqui.sampling.TokenHistory;
import java.util.Comparator;
import java.util.List;

/**
 * What the step loop runs: the tokens of a {@link Choice}, one after another, or all {@link Beams}
 * of an answer side by side. Whether it is at its prompt or at its answer makes no difference: what
 * counts is how many tokens are not computed yet. With the last of them come the logits of the
 * next. A course that gave its KV memory to another computes all of them again, and goes on with
 * the same text: a row of logits depends on its sequence alone, and the random number of a token on
 * its place.
 *
 * <p>Only the engine's thread changes it, but for one that ends before its turn has come.
 */
abstract sealed class Course permits Choice, Beams {
  /**
   * How courses wait. Whose answer has begun goes first, in the order of the beginnings; then who
   * is more urgent, and of those who are equally urgent who came first. So a request can be urgent
   * only until its turn comes, and never stops an answer that runs.
   */
  static final Comparator<Course> WAITING =
      Comparator.<Course>comparingLong(course -> course.answer.turn())
          .thenComparingInt(course -> course.answer.request.priority())
          .thenComparingLong(course -> course.answer.number)
          .thenComparingInt(course -> course.choice);

  /** How courses run: in the order in which they began to run, or went on after a wait. */
  static final Comparator<Course> RUNNING = Comparator.comparingLong(course -> course.since);

  final Answer answer;

  /** Which of the answer's choices it computes; 0 for all beams together. */
  final int choice;

  /** Counts courses that begin to run, or go on after a wait. */
  long since;

  /** The number of the last step that it took part in, or after which it began to run. */
  long lastStep;

  Course(Answer answer, int choice) {
    this.answer = answer;
    this.choice = choice;
  }

  /** Sequences that a step has of it, once its prompt is computed. */
  abstract int width();

  /** Begins, or goes on after {@link #giveMemoryBack}. */
  abstract void start(TokenDecoder decoder);

  /** Its tokens stay and are computed again when it is its turn. */
  abstract void giveMemoryBack();

  abstract boolean hasMemory();

  /** Tokens that are to be computed before the next can be chosen, of one sequence. */
  abstract int pending();

  /**
   * Reserves memory for what the next step computes of it.
   *
   * @param mostTokens of each sequence: of the prompt or of a draft, at least 1
   * @param mostOutputs rows of logits, at least the {@link #width}
   * @return false if there is not enough memory
   */
  abstract boolean plan(int mostTokens, int mostOutputs);

  /** What {@link #plan} has planned. */
  abstract List<Run> runs();

  /**
   * The answer's other choices, where the step at hand has computed its prompt for the first time.
   * To be called before {@link #advance}.
   */
  List<Choice> siblings() {
    return List.of();
  }

  /**
   * Chooses, after the step at hand was computed, what can be chosen of it beside other courses. To
   * be called before {@link #advance}, by any of the decoder's threads.
   *
   * @param row of the first of its outputs
   * @param member which thread it is
   */
  void choose(TokenDecoder decoder, int row, int member) {}

  /**
   * Goes on with what follows, after the step at hand was computed.
   *
   * @param row of the first of its outputs
   * @return why it ends, or null if it goes on
   */
  abstract FinishReason advance(TokenDecoder decoder, int row);

  /** A sequence for all of these tokens, which begins with what the prefix cache has of them. */
  final TokenDecoder.Sequence newSequence(TokenDecoder decoder, TokenHistory history) {
    TokenDecoder.Sequence sequence = decoder.newSequence();
    GenerationRequest request = answer.request;
    if (request.cachesPrompt()) {
      int adopted = sequence.adopt(history.range(0, history.length()), request.cacheSalt());
      if (choice == 0 && history.length() == request.promptLength()) {
        answer.cached(adopted);
      }
    }
    return sequence;
  }

  /** Slots that courses take together. */
  static int width(List<Course> courses) {
    return courses.stream().mapToInt(Course::width).sum();
  }

  final boolean generates() {
    return pending() == 1;
  }

  /** Tokens of the step at hand. */
  final int tokens() {
    return runs().stream().mapToInt(run -> run.tokens().length).sum();
  }

  /** Rows of logits of the step at hand. */
  final int outputs() {
    return runs().stream().mapToInt(Run::outputs).sum();
  }
}
