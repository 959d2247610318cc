package io.chasqui.engine;

import io.chasqui.engine.TokenDecoder.Run;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The engine's thread, on which all running answers share every pass over the weights. A step takes
 * one token of each sequence that generates, and of those that still compute their prompt as many
 * as hardly slow the others down. {@link Places} says who takes part in a step. When KV memory runs
 * out, the request that has the most sequences gives the memory of its last one back, which is
 * computed again later. An answer whose reader does not read is left out of the steps, and its
 * place is another's, until it does.
 */
final class StepLoop {
  private static final System.Logger LOG = System.getLogger(StepLoop.class.getName());

  private static final long RETRY_NANOS = 1_000_000;

  private final TokenDecoder decoder;
  private final EngineOptions options;
  private final int slots;

  /** Also the lock of all that submits and closes. */
  private final TreeSet<Course> waiting = new TreeSet<>(Course.WAITING);

  /** The loop's own. */
  private final TreeSet<Course> running = new TreeSet<>(Course.RUNNING);

  private final Places places;

  /** Answers that have begun, courses that have begun to run, and steps: the loop's own. */
  private long turns;

  private long runs;
  private long steps;

  private volatile int runningCount;

  /** Slots of the answers that run: one of each, or one of each of its beams. */
  private volatile int slotsTaken;

  private volatile int parkedCount;

  private final Forecast forecast;

  private volatile boolean closed;

  /** The error that has ended the loop; null while it runs, and where it was closed. */
  private volatile Throwable failure;

  private final Thread thread;

  /**
   * Starts the loop.
   *
   * @param decoder closed when the loop ends
   * @param slots sequences of a step at most
   */
  StepLoop(TokenDecoder decoder, int slots, EngineOptions options) {
    this.decoder = decoder;
    this.slots = slots;
    this.options = options;
    places = new Places(slots);
    forecast = new Forecast(slots);
    thread = Thread.ofPlatform().name("chasqui-engine").daemon().start(this::serve);
  }

  /** Whether an error has ended the loop. */
  boolean hasFailed() {
    return failure != null;
  }

  /** Courses that run now, those that wait for their readers included. */
  int running() {
    return runningCount;
  }

  /** Courses that run, but wait for their readers. */
  int parked() {
    return parkedCount;
  }

  /** The part of the KV memory that sequences use, from 0 to 1. */
  double kvUsage() {
    return decoder.usage();
  }

  /** Courses that wait for their turn, for the first time or again. */
  int waiting() {
    synchronized (waiting) {
      return waiting.size();
    }
  }

  /**
   * Takes an answer in.
   *
   * @throws AdmissionException if too many wait, also for its first token to come in time, or the
   *     loop is closed
   * @throws EngineFailedException if an error has ended the loop
   */
  void submit(Answer answer) {
    synchronized (waiting) {
      if (failure != null) {
        throw new EngineFailedException(failure);
      }
      if (closed) {
        throw AdmissionException.closed();
      }
      String owner = answer.request.owner();
      List<String> owners = newcomers(waiting).map(each -> each.request.owner()).toList();
      if (!QueueShares.hasRoom(owner, owners, options.queueCapacity(), freeSlots())) {
        throw AdmissionException.queueFull(
            owners.size(), Forecast.retryAfter(forecast.turn(owners.size() + 1)));
      }
      requireTime(answer);
      waiting.add(answer.first());
    }
    wake();
  }

  private static Stream<Answer> newcomers(Set<Course> waiting) {
    return waiting.stream().map(course -> course.answer).filter(answer -> !answer.hasBegun());
  }

  private void requireTime(Answer answer) {
    GenerationRequest request = answer.request;
    if (request.timeout().isEmpty()) {
      return;
    }
    Duration timeout = request.timeout().get();
    long before = newcomers(waiting.headSet(answer.first())).count() - freeSlots();
    Duration expected = forecast.firstToken(Math.max(0, before + 1), request.promptLength());
    if (expected.compareTo(timeout) > 0) {
      throw AdmissionException.deadlineUnreachable(
          expected, timeout, Forecast.retryAfter(expected.minus(timeout)));
    }
  }

  /** Slots that those who have just come will get at the next step. */
  private int freeSlots() {
    return Math.max(0, slots - slotsTaken);
  }

  /** Something has changed that the loop may wait for. */
  void wake() {
    LockSupport.unpark(thread);
  }

  /** An answer that was cancelled: one that has not begun ends at once, others at the next step. */
  void cancelled(Answer answer) {
    if (leavesQueue(answer)) {
      answer.end(FinishReason.CANCELLED);
    } else {
      wake();
    }
  }

  /** Takes out an answer that has not begun; true for one caller alone, who has to end it. */
  private boolean leavesQueue(Answer answer) {
    synchronized (waiting) {
      return !answer.hasBegun() && waiting.remove(answer.first());
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
        List<Course> step = plan(now);
        if (step.isEmpty()) {
          rest(now);
        } else {
          compute(step);
        }
      }
    } catch (RuntimeException | Error e) {
      failure = e;
    }
    try {
      endAll();
    } finally {
      if (failure != null) {
        options.listener().broke(failure);
      }
    }
  }

  private void endAll() {
    synchronized (waiting) {
      closed = true; // also where an error has ended the loop: nobody shall wait for it
    }
    for (Course course : all()) {
      try {
        if (failure == null) {
          end(course.answer, FinishReason.CLOSED);
        } else {
          fail(course.answer, new EngineFailedException(failure));
        }
      } catch (RuntimeException | Error e) {
        LOG.log(Level.ERROR, "An answer did not end as it should", e); // the others must end, too
      }
    }
  }

  private List<Course> all() {
    List<Course> all = new ArrayList<>(running);
    synchronized (waiting) {
      all.addAll(waiting);
    }
    return all;
  }

  /** Ends those that nobody wants any more, or whose time is up. */
  private void sweep(long now) {
    for (Answer answer : answers(all())) {
      FinishReason reason = answer.cutOff(now);
      if (reason != null) {
        end(answer, reason);
      }
    }
    parkedCount = (int) running.stream().filter(course -> course.answer.isParked(now)).count();
  }

  private static Set<Answer> answers(Collection<Course> courses) {
    return courses.stream()
        .map(course -> course.answer)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * Gives places to answers that have none, and then what slots are left to further choices, as
   * long as there is memory for what they compute first.
   */
  private void admit(long now) {
    places.assign(List.copyOf(running), now);
    while (running.size() < decoder.maxSequences()) {
      Course next;
      synchronized (waiting) {
        next = next(now);
        if (next == null) {
          return;
        }
        run(next); // first, so that an error leaves it where it can be found
        waiting.remove(next);
        if (!next.answer.hasBegun()) {
          next.answer.begin(++turns);
        }
      }
      if (!next.answer.isPlaced()) {
        places.take(next);
      }
      tried(next, () -> next.start(decoder));
    }
  }

  /**
   * Whose turn it is of those that wait: an answer that has begun, and of which nothing runs,
   * before others, and of such answers the one that has waited for longest; then one that has not
   * begun, and of those that are equally urgent one of the owner of whom fewest run; and where
   * slots are left, a further choice of the answer that has the fewest.
   *
   * @return null if nobody can go on now
   */
  private Course next(long now) {
    Map<Answer, Integer> counts = new HashMap<>();
    running.forEach(course -> counts.merge(course.answer, 1, Integer::sum));
    Map<String, Integer> owners = new HashMap<>();
    counts.keySet().forEach(answer -> owners.merge(answer.request.owner(), 1, Integer::sum));
    List<Course> active = active(now);
    Course next = null;
    Course further = null;
    for (Course course : waiting) {
      Answer answer = course.answer;
      int count = counts.getOrDefault(answer, 0);
      if (!answer.hasBegun()) {
        if (next != null && isBefore(next.answer, answer)) {
          break;
        }
        if (places.isFreeFor(course)
            && (next == null || running(owners, course) < running(owners, next))) {
          next = course;
        }
      } else if (!answer.isParked(now)) {
        if (count > 0) {
          further = further == null || count < counts.get(further.answer) ? course : further;
        } else if (places.isFreeFor(course)) {
          next = next == null || answer.lastStep() < next.answer.lastStep() ? course : next;
        }
      }
    }
    if (next == null && Course.width(active) < slots) {
      next = further;
    }
    boolean fits =
        next != null && (active.isEmpty() || decoder.hasRoom(next.pending() + next.width()));
    return fits ? next : null;
  }

  /** Whether an answer goes first whoever the owner of the other is, which comes after it. */
  private static boolean isBefore(Answer first, Answer other) {
    return first.hasBegun() || first.request.priority() < other.request.priority();
  }

  private static int running(Map<String, Integer> owners, Course course) {
    return owners.getOrDefault(course.answer.request.owner(), 0);
  }

  /** Does something for a course; if it breaks, its answer breaks, and not the loop. */
  private boolean tried(Course course, Runnable work) {
    try {
      work.run();
      return true;
    } catch (RuntimeException | Error e) {
      fail(course.answer, e);
      return false;
    }
  }

  private List<Course> active(long now) {
    return running.stream().filter(course -> !course.answer.isParked(now)).toList();
  }

  /** Chooses who takes part in the next step, and reserves memory, from the first to the last. */
  private List<Course> plan(long now) {
    List<Course> active = places.deal(active(now));
    List<Course> generating = active.stream().filter(Course::generates).toList();
    List<Course> prompts = active.stream().filter(course -> !course.generates()).toList();
    // Beams whose prompt needs no computing any more join the step with a token each.
    int spare =
        decoder.maxTokens() - Course.width(generating) - (Course.width(prompts) - prompts.size());
    int spareOutputs = decoder.maxOutputs() - Course.width(active);
    int ofPrompts =
        generating.isEmpty()
            ? spare
            : Math.min(spare, PrefillPace.tokens(prompts.size(), Course.width(generating)));
    Map<Course, Integer> shares = shares(prompts, ofPrompts);
    spare -= shares.values().stream().mapToInt(Integer::intValue).sum();
    List<Course> step = new ArrayList<>();
    for (Course course : active) {
      boolean generates = course.generates();
      int most = generates ? 1 + spare : shares.getOrDefault(course, 0);
      // One that has given its memory to another runs no longer.
      if (most > 0
          && running.contains(course)
          && reserve(course, most, course.width() + spareOutputs, now)) {
        spareOutputs -= Math.max(0, course.outputs() - course.width());
        spare -= generates ? course.tokens() - course.width() : 0;
        step.add(course);
      }
    }
    // One that was planned may have given its memory to a later one of an answer with fewer.
    step.removeIf(course -> !running.contains(course));
    return step;
  }

  /**
   * Deals the tokens that a step has for prompts: the first prompt gets half of them, and the
   * others the rest, those first that have least to do. So a short prompt does not wait for a long
   * one, and a long one is computed at half its pace at least, however many short ones come.
   */
  private static Map<Course, Integer> shares(List<Course> prompts, int tokens) {
    Map<Course, Integer> shares = new HashMap<>();
    if (prompts.isEmpty()) {
      return shares;
    }
    Course first = prompts.getFirst();
    int ofFirst = Math.min(first.pending(), Math.ceilDiv(tokens, 2));
    int left = tokens - ofFirst;
    List<Course> others =
        prompts.stream().skip(1).sorted(Comparator.comparingInt(Course::pending)).toList();
    for (Course other : others) {
      int share = Math.min(other.pending(), left);
      shares.put(other, share);
      left -= share;
    }
    shares.put(first, Math.min(first.pending(), ofFirst + left));
    return shares;
  }

  /** Plans a course's part of the step, with the memory of later ones if need be. */
  private boolean reserve(Course course, int mostTokens, int mostOutputs, long now) {
    var planned = new boolean[1];
    while (tried(course, () -> planned[0] = course.plan(mostTokens, mostOutputs))) {
      if (planned[0]) {
        return true;
      }
      Course victim = victim(now);
      if (victim.equals(course)) {
        return false; // those before it will end
      }
      suspend(victim);
      options.listener().preempted();
    }
    return false;
  }

  /**
   * The course that gives its memory to another: the last one whose reader does not read; if all
   * readers read, the last one of the answer that asks for the most sequences, and of answers that
   * ask for as many the last. The first one of all is not taken while there are others, so that it
   * gets on until it ends.
   */
  private Course victim(long now) {
    return running.reversed().stream()
        .filter(course -> course.hasMemory() && course.answer.isParked(now))
        .findFirst()
        .orElseGet(this::lastOfTheWidest);
  }

  private Course lastOfTheWidest() {
    Course first = running.getFirst();
    Course widest = first;
    int width = 0;
    for (Course course : running.tailSet(first, false)) {
      if (course.answer.width() >= width) {
        widest = course;
        width = course.answer.width();
      }
    }
    return widest;
  }

  private void suspend(Course course) {
    course.giveMemoryBack();
    synchronized (waiting) {
      waiting.add(course); // first, so that an error leaves it where it can be found
      running.remove(course);
      count();
    }
    if (running.stream().noneMatch(each -> each.answer.equals(course.answer))) {
      course.answer.setPlaced(false);
    }
  }

  private void run(Course course) {
    course.since = ++runs;
    course.lastStep = steps; // nobody who has waited for longer comes after it
    running.add(course);
    count();
  }

  private void count() {
    runningCount = running.size();
    Map<Answer, Integer> widths = new HashMap<>();
    running.forEach(course -> widths.merge(course.answer, course.width(), Math::max));
    slotsTaken = widths.values().stream().mapToInt(Integer::intValue).sum();
  }

  private void compute(List<Course> step) {
    steps++;
    for (Course course : step) {
      course.lastStep = steps;
      course.answer.setLastStep(steps);
    }
    List<Run> computed = step.stream().flatMap(course -> course.runs().stream()).toList();
    try {
      decoder.forward(computed);
    } catch (RuntimeException | Error e) {
      step.stream().map(course -> course.answer).distinct().forEach(answer -> fail(answer, e));
      return;
    }
    long now = System.nanoTime();
    step.forEach(course -> course.answer.computed(now));
    int all = step.stream().mapToInt(Course::tokens).sum();
    options.listener().stepped(computed.size(), all);
    List<Turn> turns = turns(step);
    var failures = new Throwable[turns.size()];
    decoder.share(turns.size(), (i, member) -> failures[i] = turns.get(i).choose(decoder, member));
    for (int i = 0; i < turns.size(); i++) {
      Turn turn = turns.get(i);
      Course course = turn.course;
      if (!course.answer.courses().contains(course)) {
        continue; // another choice of the same answer has ended it
      }
      if (failures[i] != null) {
        fail(course.answer, failures[i]);
      } else {
        tried(course, () -> advance(turn));
      }
    }
  }

  /** A course that goes on from rows of the last step; one that joins has not run before. */
  private record Turn(Course course, int row, boolean joins) {
    /** Returns what it has thrown, or null. */
    Throwable choose(TokenDecoder decoder, int member) {
      try {
        course.choose(decoder, row, member);
        return null;
      } catch (RuntimeException | Error e) {
        return e;
      }
    }
  }

  /**
   * In the order in which they are to go on. The other choices of an answer follow its first as far
   * as there are slots for them, and wait for slots beyond that.
   */
  private List<Turn> turns(List<Course> step) {
    List<Turn> turns = new ArrayList<>();
    int free =
        Math.min(
            slots - Course.width(active(System.nanoTime())),
            decoder.maxSequences() - running.size());
    int row = 0;
    for (Course course : step) {
      int first = row;
      row += course.outputs();
      turns.add(new Turn(course, first, false));
      int left = free;
      var joined = new int[1];
      tried(course, () -> joined[0] = join(course, first, left, turns));
      free -= joined[0];
    }
    return turns;
  }

  /** Lets further choices of an answer follow its first; returns how many get a slot at once. */
  private int join(Course course, int row, int free, List<Turn> turns) {
    List<Choice> siblings = course.siblings();
    int following = Math.clamp(free, 0, siblings.size());
    synchronized (waiting) {
      waiting.addAll(siblings.subList(following, siblings.size()));
    }
    for (Choice sibling : siblings.subList(0, following)) {
      sibling.follow((Choice) course);
      turns.add(new Turn(sibling, row, true));
    }
    return following;
  }

  private void advance(Turn turn) {
    if (turn.joins) {
      run(turn.course);
    }
    advance(turn.course, turn.row);
  }

  private void advance(Course course, int row) {
    FinishReason reason = course.advance(decoder, row);
    if (reason == FinishReason.CANCELLED) {
      end(course.answer, reason);
    } else if (reason != null) {
      leave(course);
      FinishReason whole = course.answer.ended(course, reason);
      if (whole != null) {
        settle(course.answer);
        course.answer.end(whole);
      }
    }
  }

  /** Until somebody comes, reads, has not read for too long, or has no time left. */
  private void rest(long now) {
    List<Course> all = all();
    if (all.isEmpty()) {
      LockSupport.park(this);
    } else {
      long nanos =
          all.stream().mapToLong(course -> course.answer.nanosUntilCutOff(now)).min().orElseThrow();
      // What can go on has found no memory, and may find some when those before it have ended.
      long most = active(now).isEmpty() ? nanos : Math.min(nanos, RETRY_NANOS);
      LockSupport.parkNanos(this, Math.max(1, most));
    }
  }

  private void end(Answer answer, FinishReason reason) {
    if (!answer.hasBegun()) {
      if (leavesQueue(answer)) {
        answer.end(reason);
      }
    } else if (!answer.courses().isEmpty()) {
      settle(answer);
      answer.courses().forEach(this::leave);
      answer.end(reason);
    }
  }

  private void settle(Answer answer) {
    forecast.answered(answer.seconds());
    answer
        .prefillSeconds()
        .ifPresent(seconds -> forecast.prefilled(answer.request.promptLength(), seconds));
  }

  private void fail(Answer answer, Throwable cause) {
    answer.courses().forEach(this::leave);
    answer.fail(cause);
  }

  private void leave(Course course) {
    running.remove(course);
    synchronized (waiting) {
      waiting.remove(course);
      count();
    }
  }
}
