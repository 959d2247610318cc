package io.chasqui.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
  @Test
  void memoryIsZeroAlignedAndGoneWithItsArena() {
    for (long bytes : new long[] {1, 63, 64, 4096, 1 << 24}) {
      MemorySegment memory;
      try (Arena arena = Arena.ofShared()) {
        memory = NativeMemory.allocate(bytes, arena);
        assertEquals(bytes, memory.byteSize());
        assertEquals(0, memory.address() % 64);
        assertEquals(-1, memory.mismatch(arena.allocate(bytes)));
        memory.fill((byte) 1);
      }
      assertThrows(IllegalStateException.class, () -> memory.get(ValueLayout.JAVA_BYTE, 0));
    }
  }

  @Test
  void whatCannotBeHadIsRefused() {
    try (Arena arena = Arena.ofConfined()) {
      assertThrows(IllegalArgumentException.class, () -> NativeMemory.allocate(0, arena));
      assertThrows(IllegalArgumentException.class, () -> NativeMemory.allocate(-1, arena));
      assertThrows(
          IllegalArgumentException.class, () -> NativeMemory.allocate(Long.MAX_VALUE, arena));
      assertThrows(OutOfMemoryError.class, () -> NativeMemory.allocate(1L << 60, arena));
    }
  }
}
