package io.chasqui.kernel;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/** C's memory functions, bound with the foreign function API. */
final class ForeignHeap implements CHeap {
  private final MethodHandle calloc;
  private final MethodHandle free;

  ForeignHeap() {
    var calls = new ForeignCalls(Linker.nativeLinker().defaultLookup());
    calloc = calls.returning(JAVA_LONG, "calloc", "LL");
    free = calls.function("free", "L");
  }

  @Override
  public long calloc(long bytes) {
    try {
      return (long) calloc.invokeExact(1L, bytes);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }

  @Override
  public void free(long address) {
    try {
      free.invokeExact(address);
    } catch (Throwable e) {
      throw ForeignCalls.failed(e);
    }
  }
}
