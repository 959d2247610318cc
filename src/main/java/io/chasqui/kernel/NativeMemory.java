package io.chasqui.kernel;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Large pieces of native memory that are zero and take no physical memory before they are touched.
 * {@link Arena#allocate} writes its zeros: of a cache that is never filled every page would be
 * resident, and a start would wait for it.
 */
public final class NativeMemory {
  /** A line of the processor's caches. */
  private static final long ALIGNMENT = 64;

  private static final MethodHandle CALLOC =
      function("calloc", FunctionDescriptor.of(ADDRESS, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FREE = function("free", FunctionDescriptor.ofVoid(ADDRESS));

  private NativeMemory() {}

  @SuppressWarnings("restricted") // the two functions are known to have these signatures
  private static MethodHandle function(String name, FunctionDescriptor descriptor) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
  }

  /**
   * Allocates memory that lives as long as an arena.
   *
   * @param bytes at least 1
   * @return zeros, aligned to 64 bytes
   * @throws IllegalArgumentException if {@code bytes} is not positive
   * @throws OutOfMemoryError if the system refuses
   */
  @SuppressWarnings("restricted") // the segment has the length that was asked for
  public static MemorySegment allocate(long bytes, Arena arena) {
    if (bytes <= 0 || bytes > Long.MAX_VALUE - ALIGNMENT) {
      throw new IllegalArgumentException("memory of %d bytes cannot be had".formatted(bytes));
    }
    MemorySegment memory = calloc(bytes + ALIGNMENT);
    long padding = -memory.address() & (ALIGNMENT - 1);
    return MemorySegment.ofAddress(memory.address() + padding)
        .reinterpret(bytes, arena, segment -> free(memory));
  }

  private static MemorySegment calloc(long bytes) {
    try {
      MemorySegment memory = (MemorySegment) CALLOC.invokeExact(1L, bytes);
      if (memory.address() == 0) {
        throw new OutOfMemoryError(
            "the system has no %d MiB of native memory left".formatted(bytes >> 20));
      }
      return memory;
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }

  private static void free(MemorySegment memory) {
    try {
      FREE.invokeExact(memory);
    } catch (Throwable e) {
      throw NativeLibrary.failed(e);
    }
  }
}
