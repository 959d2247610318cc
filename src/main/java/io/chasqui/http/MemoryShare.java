package io.chasqui.http;

/** A part of the heap that many requests share. What is counted is an estimate. */
final class MemoryShare {
  private final long most;
  private long taken;

  /**
   * @param most bytes that all may take together
   */
  MemoryShare(long most) {
    this.most = most;
  }

  /** Bytes that are taken now. */
  synchronized long taken() {
    return taken;
  }

  /** What one request takes of it, until it ends. */
  final class Part {
    private long mine;
    private boolean hasEnded;

    /** Takes so many bytes more; false, and nothing is taken, if there are not so many. */
    boolean take(long bytes) {
      synchronized (MemoryShare.this) {
        if (hasEnded || taken + bytes > most) {
          return false;
        }
        taken += bytes;
        mine += bytes;
        return true;
      }
    }

    /** Gives all back, to take something else. */
    void giveBack() {
      synchronized (MemoryShare.this) {
        taken -= mine;
        mine = 0;
      }
    }

    /** Gives all back for good: whoever still works for the request finds no memory any more. */
    void end() {
      synchronized (MemoryShare.this) {
        giveBack();
        hasEnded = true;
      }
    }
  }
}
