package io.chasqui.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
  @Test
  void memoryIsZeroAlignedAndCannotBeReadAfterItWasGivenBack() {
    for (long bytes : new long[] {1, 63, 64, 4096, 1 << 24}) {
      MemorySegment memory;
      try (var region = new NativeMemory();
          Arena arena = Arena.ofConfined()) {
        memory = region.allocate(bytes);
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
    try (var memory = new NativeMemory()) {
      assertThrows(IllegalArgumentException.class, () -> memory.allocate(0));
      assertThrows(IllegalArgumentException.class, () -> memory.allocate(-1));
      assertThrows(IllegalArgumentException.class, () -> memory.allocate(Long.MAX_VALUE));
      assertThrows(OutOfMemoryError.class, () -> memory.allocate(1L << 60));
    }
  }
}
