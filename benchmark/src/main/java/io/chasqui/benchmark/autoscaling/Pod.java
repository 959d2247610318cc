package io.chasqui.benchmark.autoscaling;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;

/**
 * A pod: the engine's step loop, with a queue before it. Each step takes a token of each stream
 * that generates, and of the prompts as many tokens as the engine's {@code PrefillPace} gives them;
 * here they go to prompts in the order in which these came, where the engine lets short ones pass.
 *
 * <p>Steps that are alike are one event, so that it costs the same to simulate long answers.
 */
final class Pod {
  /** What a pod does. */
  enum State {
    STARTING,
    READY,
    TERMINATING
  }

  /** Nothing will happen unless a request comes. */
  static final double NEVER = Double.POSITIVE_INFINITY;

  /** Tokens of a step at most. */
  private static final int STEP_TOKENS = 128;

  // As in PrefillPace.
  private static final double PROMPT_SHARE = 0.7;
  private static final int SHARED_TOKENS = 4;

  final double created;
  State state = State.STARTING;
  double terminated;

  /** Among the ready pods. */
  int index;

  /** Requests that came through the activator and are not answered. */
  int proxied;

  /** Requests that came past the activator and are not answered. */
  int direct;

  /** When something happens next: the pod becomes ready, or its steps are done. */
  double next;

  private final ServiceTimes times;
  private final int slots;
  private final Deque<Request> waiting = new ArrayDeque<>();
  private final List<Request> prompts = new ArrayList<>();
  private final List<Request> generating = new ArrayList<>();
  private double begin;
  private double stepSeconds;
  private long steps;
  private int promptTokens;

  /**
   * @param slots requests that run at once
   */
  Pod(ServiceTimes times, int slots, double created, double ready) {
    this.times = times;
    this.slots = slots;
    this.created = created;
    next = ready;
  }

  int requests() {
    return proxied + direct;
  }

  void becomeReady() {
    state = State.READY;
    next = NEVER;
  }

  /** Takes a request, which is in the next step if a slot is free. */
  void add(Request request, double now) {
    waiting.add(request);
    if (next == NEVER) {
      beginSteps(now);
    } else if (prompts.size() + generating.size() + waiting.size() <= slots) {
      long passed = Math.max(1, (long) Math.ceil((now - begin) / stepSeconds));
      if (passed < steps) {
        steps = passed;
        next = Math.max(now, begin + steps * stepSeconds);
      }
    }
  }

  /** The steps that were begun are done: tells whose answers are complete, and goes on. */
  void endSteps(Consumer<Request> complete) {
    double now = next;
    generating.removeIf(stream -> {
      stream.answerLeft -= (int) steps;
      return isComplete(stream, complete);
    });
    long tokens = promptTokens * steps;
    while (tokens > 0) {
      Request first = prompts.getFirst();
      int taken = (int) Math.min(tokens, first.promptLeft);
      first.promptLeft -= taken;
      tokens -= taken;
      if (first.promptLeft == 0) {
        // The step that computes the last token of a prompt gives the first one of the answer.
        prompts.removeFirst();
        first.firstToken = now;
        first.answerLeft--;
        if (!isComplete(first, complete)) {
          generating.add(first);
        }
      }
    }
    beginSteps(now);
  }

  private static boolean isComplete(Request request, Consumer<Request> complete) {
    if (request.answerLeft > 0) {
      return false;
    }
    complete.accept(request);
    return true;
  }

  /** Begins as many steps as will be alike if nobody comes. */
  private void beginSteps(double now) {
    while (!waiting.isEmpty() && prompts.size() + generating.size() < slots) {
      prompts.add(waiting.removeFirst());
    }
    if (prompts.isEmpty() && generating.isEmpty()) {
      next = NEVER;
      return;
    }
    begin = now;
    promptTokens = promptTokens();
    stepSeconds = times.step(generating.size() + promptTokens);
    steps = prompts.isEmpty() ? Long.MAX_VALUE : prompts.getFirst().promptLeft / promptTokens;
    for (Request stream : generating) {
      steps = Math.min(steps, stream.answerLeft);
    }
    steps = Math.max(1, steps);
    next = now + steps * stepSeconds;
  }

  private int promptTokens() {
    if (prompts.isEmpty()) {
      return 0;
    }
    int most = Math.max(1, STEP_TOKENS - generating.size());
    if (!generating.isEmpty()) {
      double pace =
          PROMPT_SHARE * prompts.size() * prompts.size() * (generating.size() + SHARED_TOKENS);
      most = Math.min(most, Math.max(1, (int) Math.round(pace)));
    }
    int left = 0;
    for (Request prompt : prompts) {
      left += prompt.promptLeft;
    }
    return Math.min(most, left);
  }
}
