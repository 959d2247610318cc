package io.chasqui.kernel;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.util.ArrayList;
import java.util.List;

/**
 * Native memory that is given back together. Not thread-safe but for its segments, which any thread
 * may use until it is closed.
 *
 * <p>It is an {@link Arena}, with two differences. What it allocates is zero and takes no physical
 * memory before it is touched, where {@link Arena#allocate} writes its zeros: of a cache that is
 * never filled every page would be resident, and a start would wait for it. And it works in an
 * executable, where a shared arena cannot be closed: there, segments are not protected against use
 * after they were given back, and a mapped file stays mapped until the process ends.
 */
public final class NativeMemory implements AutoCloseable {
  /** A line of the processor's caches. */
  private static final long ALIGNMENT = 64;

  private static final CHeap HEAP = NativeExecutable.IS ? NativeExecutable.HEAP : new ForeignHeap();

  private final Arena arena = NativeExecutable.IS ? Arena.global() : Arena.ofShared();
  private final List<Long> allocated = new ArrayList<>();
  private long bytes;

  /**
   * Allocates memory.
   *
   * @param bytes at least 1
   * @return zeros, aligned to 64 bytes
   * @throws IllegalArgumentException if {@code bytes} is not positive
   * @throws OutOfMemoryError if the system refuses
   */
  @SuppressWarnings("restricted") // the segment has the length that was asked for
  public MemorySegment allocate(long bytes) {
    if (bytes <= 0 || bytes > Long.MAX_VALUE - ALIGNMENT) {
      throw new IllegalArgumentException("memory of %d bytes cannot be had".formatted(bytes));
    }
    long address = HEAP.calloc(bytes + ALIGNMENT);
    if (address == 0) {
      throw new OutOfMemoryError(
          "the system has no %d MiB of native memory left".formatted(bytes >> 20));
    }
    allocated.add(address);
    this.bytes += bytes;
    long padding = -address & (ALIGNMENT - 1);
    return MemorySegment.ofAddress(address + padding).reinterpret(bytes, arena, null);
  }

  /** Bytes that were asked for until now, without those of files. */
  public long bytes() {
    return bytes;
  }

  /** A part of a file, mapped read-only; {@code offset} is a multiple of the page size. */
  public MemorySegment map(FileChannel file, long offset, long length) throws IOException {
    return file.map(MapMode.READ_ONLY, offset, length, arena);
  }

  /**
   * Gives the memory back.
   *
   * @throws IllegalStateException on a JVM, if a kernel is at work on it
   */
  @Override
  public void close() {
    if (!NativeExecutable.IS) {
      arena.close();
    }
    allocated.forEach(HEAP::free);
    allocated.clear();
  }
}
