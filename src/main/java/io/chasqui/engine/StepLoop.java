package io.chasqui.engine;

import io.chasqui.engine.TokenDecoder.Run;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;

/**
 * The engine's thread, on which all running answers share every pass over the weights. A step takes
 * one token of each answer that generates, and of those that still compute their prompt as many as
 * hardly slow the others down. Who came first goes first: when KV memory runs out, the youngest
 * gives its own back and computes it again later. An answer whose reader does not read is left out
 * of the steps, and its place is another's, until it does.
 */
final class StepLoop {
  private final TokenDecoder decoder;
  private final EngineOptions options;
  private final int slots;
  private final PrefillPace pace = new PrefillPace();

  /** By order of submission; also the lock of all that submits and closes. */
  private final TreeSet<Answer> waiting = new TreeSet<>(Answer.ORDER);

  /** By order of submission; the loop's own. */
  private final TreeSet<Answer> running = new TreeSet<>(Answer.ORDER);

  private volatile int runningCount;

  /** Of the last answers, an exponential mean: what {@code Retry-After} is computed from. */
  private volatile double secondsPerAnswer = 1;

  private volatile boolean closed;
  private final Thread thread;

  /**
   * Starts the loop.
   *
   * @param decoder closed when the loop ends
   */
  StepLoop(TokenDecoder decoder, EngineOptions options) {
    this.decoder = decoder;
    this.options = options;
    slots = Math.min(options.maxSequences(), decoder.maxSequences());
    thread = Thread.ofPlatform().name("chasqui-engine").daemon().start(this::serve);
  }

  /** Answers that run now, those that wait for their readers included. */
  int running() {
    return runningCount;
  }

  /** Answers that wait for their turn. */
  int waiting() {
    synchronized (waiting) {
      return waiting.size();
    }
  }

  /**
   * Takes an answer in.
   *
   * @throws AdmissionException if too many wait, or the loop is closed
   */
  void submit(Answer answer) {
    synchronized (waiting) {
      if (closed) {
        throw AdmissionException.closed();
      }
      if (waiting.size() >= options.queueCapacity() + freeSlots()) {
        long seconds = (long) Math.ceil((waiting.size() + 1) * secondsPerAnswer / slots);
        throw AdmissionException.queueFull(
            waiting.size(), Duration.ofSeconds(Math.clamp(seconds, 1, 600)));
      }
      waiting.add(answer);
    }
    wake();
  }

  /** Slots that those who have just come will get at the next step. */
  private int freeSlots() {
    return Math.max(0, slots - runningCount);
  }

  /** Something has changed that the loop may wait for. */
  void wake() {
    LockSupport.unpark(thread);
  }

  /** An answer that was cancelled: one that waits ends at once, one that runs at the next step. */
  void cancelled(Answer answer) {
    boolean waited;
    synchronized (waiting) {
      waited = waiting.remove(answer);
    }
    if (waited) {
      answer.end(FinishReason.CANCELLED);
    } else {
      wake();
    }
  }

  /** Cancels all answers, refuses others, and returns when the decoder is closed. */
  void close() {
    synchronized (waiting) {
      closed = true;
    }
    wake();
    if (thread.equals(Thread.currentThread())) {
      return; // a subscriber closes the engine: the loop ends when that subscriber returns
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void serve() {
    try (decoder) {
      while (!closed) {
        long now = System.nanoTime();
        sweep(now);
        admit(now);
        List<Answer> step = plan(now);
        if (step.isEmpty()) {
          rest(now);
        } else {
          compute(step);
        }
      }
    } finally {
      List.copyOf(running).forEach(answer -> end(answer, FinishReason.CANCELLED));
      List<Answer> left;
      synchronized (waiting) {
        left = List.copyOf(waiting);
      }
      left.forEach(answer -> answer.channel.cancel());
    }
  }

  /** Ends those that nobody wants any more. */
  private void sweep(long now) {
    for (Answer answer : List.copyOf(running)) {
      boolean stalled = answer.isParked(now) && answer.nanosUntilStalled(now) <= 0;
      if (stalled || answer.channel.isCancelled()) {
        end(answer, FinishReason.CANCELLED);
      }
    }
  }

  /**
   * Gives free slots to those that wait, as long as there is memory for what they compute first.
   */
  private void admit(long now) {
    long active = running.stream().filter(answer -> !answer.isParked(now)).count();
    while (active < slots && running.size() < decoder.maxSequences()) {
      Answer next;
      synchronized (waiting) {
        if (waiting.isEmpty()) {
          return;
        }
        next = waiting.first();
        if (active > 0 && !decoder.hasRoom(next.pending() + 1)) {
          return;
        }
        waiting.remove(next);
        running.add(next);
        runningCount = running.size();
      }
      next.start(decoder);
      active++;
    }
  }

  /** Reserves memory for the next step, from the oldest answer to the youngest. */
  private List<Answer> plan(long now) {
    List<Answer> active =
        running.stream().filter(answer -> !answer.isParked(now)).limit(slots).toList();
    int generating = (int) active.stream().filter(answer -> answer.pending() == 1).count();
    int spare = decoder.maxTokens() - generating;
    int spareOutputs = decoder.maxOutputs() - active.size();
    int ofPrompts = generating > 0 ? Math.min(spare, pace.tokens()) : spare;
    List<Answer> step = new ArrayList<>();
    for (Answer answer : active) {
      if (!running.contains(answer)) {
        continue; // it has given its memory to one before it
      }
      boolean generates = answer.pending() == 1;
      int most = generates ? 1 + Math.min(spare, spareOutputs) : ofPrompts;
      if (most == 0) {
        continue;
      }
      if (reserve(answer, most, 1 + spareOutputs, now)) {
        Run run = answer.run();
        spareOutputs -= Math.max(0, run.outputs() - 1);
        spare -= generates ? run.tokens().length - 1 : run.tokens().length;
        ofPrompts = generates ? Math.min(ofPrompts, spare) : ofPrompts - run.tokens().length;
        step.add(answer);
      }
    }
    return step;
  }

  /** Plans an answer's part of the step, with the memory of younger ones if need be. */
  private boolean reserve(Answer answer, int mostTokens, int mostOutputs, long now) {
    while (!answer.plan(mostTokens, mostOutputs)) {
      Answer victim = victim(now);
      if (victim.equals(answer)) {
        return false; // those before it will end
      }
      victim.giveMemoryBack();
      running.remove(victim);
      synchronized (waiting) {
        waiting.add(victim);
        runningCount = running.size();
      }
      options.listener().preempted();
    }
    return true;
  }

  /** Of those whose reader does not read the youngest; of all if there are none. */
  private Answer victim(long now) {
    return running.reversed().stream()
        .filter(answer -> answer.hasMemory() && answer.isParked(now))
        .findFirst()
        .orElseGet(running::getLast);
  }

  private void compute(List<Answer> step) {
    List<Run> runs = step.stream().map(Answer::run).toList();
    long begin = System.nanoTime();
    try {
      decoder.forward(runs);
    } catch (RuntimeException | Error e) {
      step.forEach(answer -> fail(answer, e));
      return;
    }
    measure(runs, System.nanoTime() - begin);
    int row = 0;
    for (Answer answer : step) {
      int outputs = answer.run().outputs();
      try {
        FinishReason reason = answer.advance(decoder, row);
        if (reason != null) {
          end(answer, reason);
        }
      } catch (RuntimeException | Error e) {
        fail(answer, e); // one broken answer must not take the others with it
      }
      row += outputs;
    }
  }

  private void measure(List<Run> runs, long nanos) {
    int all = runs.stream().mapToInt(run -> run.tokens().length).sum();
    int ofPrompts =
        runs.stream()
            .filter(run -> run.outputs() < run.tokens().length)
            .mapToInt(run -> run.tokens().length)
            .sum();
    pace.measured(ofPrompts, all - ofPrompts, (double) nanos);
    options.listener().stepped(runs.size(), all);
  }

  /** Until somebody comes, reads, or has not read for too long. */
  private void rest(long now) {
    if (running.isEmpty()) {
      LockSupport.park(this);
    } else {
      long nanos =
          running.stream().mapToLong(answer -> answer.nanosUntilStalled(now)).min().orElseThrow();
      LockSupport.parkNanos(this, Math.max(1, nanos));
    }
  }

  private void end(Answer answer, FinishReason reason) {
    double mean = secondsPerAnswer;
    secondsPerAnswer = mean + 0.2 * (answer.seconds() - mean);
    leave(answer);
    answer.end(reason);
  }

  private void fail(Answer answer, Throwable cause) {
    leave(answer);
    answer.fail(cause);
  }

  private void leave(Answer answer) {
    running.remove(answer);
    runningCount = running.size();
  }
}
