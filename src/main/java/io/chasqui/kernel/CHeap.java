package io.chasqui.kernel;

/** C's own memory functions, whichever way they are called. */
public interface CHeap {
  /**
   * Zeros that take no physical memory before they are touched.
   *
   * @return their address, or 0 if the system refuses
   */
  long calloc(long bytes);

  void free(long address);
}
