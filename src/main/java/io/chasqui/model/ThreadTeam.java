package io.chasqui.model;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed team of threads that does one piece of work at a time, all of them the same code, each on
 * its share or on what it claims, and that meets at barriers inside it. A member that waits spins
 * for a moment, then yields, and then sleeps, so that a team without work costs nothing.
 */
public final class ThreadTeam implements AutoCloseable {
  /** Long enough for the gaps inside a step where every member has a processor of its own. */
  private static final int SPINS = 1_000;

  /**
   * Where members share processors, the one that is waited for may be the one that is kept off by
   * waiting; long enough for the gap between two steps.
   */
  private static final int YIELDS = 2_000;

  private static final long NAP_NANOS = 50_000;

  private final int size;
  private final Thread[] workers;
  private final AtomicInteger arrived = new AtomicInteger();

  /** What has been claimed since the last barrier. */
  private final AtomicInteger claimed = new AtomicInteger();

  /** Workers that have not finished the current piece of work. */
  private final AtomicInteger busy = new AtomicInteger();

  private final AtomicReference<Throwable> failure = new AtomicReference<>();

  /** Counts barriers passed; all members wait for it to change. */
  private volatile int phase;

  private volatile Work work;
  private volatile int assignment;
  private volatile boolean closed;

  /** What every member runs. */
  @FunctionalInterface
  public interface Work {
    /**
     * Does one member's share.
     *
     * @param member this member's number, from 0
     * @param size the members in all
     */
    void run(int member, int size);
  }

  /**
   * Starts the team; the thread that calls {@link #run} is its first member.
   *
   * @param size members in all, at least 1
   */
  public ThreadTeam(int size) {
    if (size < 1) {
      throw new IllegalArgumentException("a team has at least 1 member, not " + size);
    }
    this.size = size;
    workers = new Thread[size - 1];
    for (int i = 0; i < workers.length; i++) {
      int member = i + 1;
      workers[i] =
          Thread.ofPlatform().daemon().name("chasqui-team-" + member).start(() -> serve(member));
    }
  }

  public int size() {
    return size;
  }

  /**
   * Runs a piece of work on all members and returns when all have done their share. Not to be
   * called by two threads at once.
   *
   * @throws IllegalStateException if a member has thrown, with what it has thrown as cause
   */
  public void run(Work work) {
    if (closed) {
      throw new IllegalStateException("the team is closed");
    }
    this.work = work;
    failure.set(null);
    arrived.set(0);
    claimed.set(0);
    busy.set(workers.length);
    int next = assignment + 1;
    assignment = next;
    for (Thread worker : workers) {
      LockSupport.unpark(worker);
    }
    attend(0, work);
    for (int waited = 0; busy.get() != 0; waited++) {
      pause(waited);
    }
    Throwable thrown = failure.get();
    if (thrown != null) {
      throw new IllegalStateException("a member of the thread team failed", thrown);
    }
  }

  /**
   * Waits until all members have come to this barrier; what they wrote before it is seen after it.
   * To be called by all members, inside {@link #run} only.
   */
  public void barrier() {
    int before = phase;
    if (arrived.incrementAndGet() == size) {
      arrived.set(0);
      claimed.set(0);
      phase = before + 1;
      return;
    }
    for (int waited = 0; phase == before; waited++) {
      if (failure.get() != null) {
        throw new TeamBroken();
      }
      pause(waited);
    }
  }

  /**
   * Claims the next of the parts of something that all members do together: one that is slower, or
   * kept off its processor, claims fewer. Between one thing and the next lies a {@link #barrier}.
   *
   * @param count numbers in this part
   * @return the first of these numbers, which count from 0 since the last barrier; where it is not
   *     less than all there are, nothing is left to do
   */
  public int claim(int count) {
    return claimed.getAndAdd(count);
  }

  private void pause(int waited) {
    if (!stayAwake(waited)) {
      LockSupport.parkNanos(this, NAP_NANOS);
    }
  }

  /** Waits a moment without sleeping, unless it has been long enough already. */
  @SuppressWarnings("ThreadPriorityCheck") // yielding is a favour to the others, not relied upon
  private static boolean stayAwake(int waited) {
    if (waited < SPINS) {
      Thread.onSpinWait();
    } else if (waited < SPINS + YIELDS) {
      Thread.yield();
    } else {
      return false;
    }
    return true;
  }

  /** Another member has failed: there is nothing left to wait for. */
  private static final class TeamBroken extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TeamBroken() {
      super(null, null, false, false);
    }
  }

  private void attend(int member, Work work) {
    try {
      work.run(member, size);
    } catch (TeamBroken e) {
      // The cause is kept by the member that failed.
    } catch (Throwable e) {
      failure.compareAndSet(null, e);
    }
  }

  private void serve(int member) {
    int done = 0;
    while (true) {
      for (int waited = 0; assignment == done && !closed; waited++) {
        if (!stayAwake(waited)) {
          LockSupport.park(this);
        }
      }
      if (closed) {
        return;
      }
      done = assignment;
      attend(member, work);
      busy.decrementAndGet();
    }
  }

  /** Ends the threads; no work may be running. */
  @Override
  public void close() {
    closed = true;
    for (Thread worker : workers) {
      LockSupport.unpark(worker);
    }
  }
}
