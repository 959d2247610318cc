package io.chasqui.benchmark.profile;

/** What an operation came to: time of all threads together, and the work done in it. */
final class OperationSum {
  private long nanos;
  private long macs;
  private long bytes;

  /**
   * Adds a call.
   *
   * @param macs multiply-adds
   * @param bytes of weights, or of keys and values
   */
  void add(long nanos, long macs, long bytes) {
    this.nanos += nanos;
    this.macs += macs;
    this.bytes += bytes;
  }

  OperationSum add(OperationSum other) {
    add(other.nanos, other.macs, other.bytes);
    return this;
  }

  long nanos() {
    return nanos;
  }

  long macs() {
    return macs;
  }

  long bytes() {
    return bytes;
  }
}
