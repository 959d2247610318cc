package io.chasqui.benchmark.forward;

/** Work that is set up once and timed again and again. */
public interface Repeatable extends AutoCloseable {
  /** What runs untimed before. */
  void warmUp();

  /**
   * Does it once.
   *
   * @return how long it took, in nanoseconds
   */
  long run();

  @Override
  void close();
}
