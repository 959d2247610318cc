package io.chasqui.nativeimage;

import io.chasqui.kernel.CHeap;
import org.graalvm.nativeimage.c.function.CFunction;

/** C's memory functions, as the executable calls them. */
public final class LinkedHeap implements CHeap {
  @Override
  public long calloc(long bytes) {
    return calloc0(1, bytes);
  }

  @Override
  public void free(long address) {
    free0(address);
  }

  @CFunction("calloc")
  private static native long calloc0(long count, long bytes);

  @CFunction("free")
  private static native void free0(long address);
}
