package io.chasqui.http;

import java.util.concurrent.atomic.AtomicLong;

/** A part of the heap that many requests share. What is counted is an estimate. */
final class MemoryShare {
  private final long most;
  private final AtomicLong taken = new AtomicLong();

  /**
   * @param most bytes that all may take together
   */
  MemoryShare(long most) {
    this.most = most;
  }

  /** Bytes that are taken now. */
  long taken() {
    return taken.get();
  }

  /** What one request takes of it. */
  final class Part {
    private final AtomicLong mine = new AtomicLong();

    /** Takes so many bytes more; false, and nothing is taken, if there are not so many. */
    boolean take(long bytes) {
      if (taken.addAndGet(bytes) > most) {
        taken.addAndGet(-bytes);
        return false;
      }
      mine.addAndGet(bytes);
      return true;
    }

    /** Gives all back; what was given back is not given twice. */
    void giveBack() {
      taken.addAndGet(-mine.getAndSet(0));
    }
  }
}
