package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.KvLayout;
import org.junit.jupiter.api.Test;

class KvBudgetTest {
  private static final long MIB = 1L << 20;

  /** 8 heads of 64 elements: 32 KiB a block and layer. */
  private static final KvLayout LAYOUT = new KvLayout(KvLayout.Type.F16, 8, 64);

  private static final String MEMINFO =
      """
      MemTotal:       16384 kB
      MemFree:         1234 kB
      """;

  @Test
  void theLimitIsTheSmallerOfContainerAndMachine() {
    assertEquals(16 * MIB, MemoryLimit.limit("max\n", MEMINFO));
    assertEquals(16 * MIB, MemoryLimit.limit("", MEMINFO));
    assertEquals(16 * MIB, MemoryLimit.limit("99999999999\n", MEMINFO));
    assertEquals(1000, MemoryLimit.limit("1000\n", MEMINFO));
    assertEquals(1000, MemoryLimit.limit("1000", ""));
    assertEquals(Long.MAX_VALUE, MemoryLimit.limit("max", ""));
    assertTrue(MemoryLimit.bytes() > 0);
  }

  @Test
  void whatWeightsHeapAndProgramLeaveIsForKeysAndValues() {
    long limit = KvBudget.PROGRAM_BYTES + 100 * MIB + 700 * MIB + 32 * MIB;
    assertEquals(32 * MIB, KvBudget.of(limit, 100 * MIB, 700 * MIB).bytes());
    assertTrue(KvBudget.of(100 * MIB, 100 * MIB, 700 * MIB).bytes() < 0);
    assertTrue(KvBudget.of(Long.MAX_VALUE, 100 * MIB, 700 * MIB).bytes() > 1L << 60);
  }

  @Test
  void theContextIsWhatIsWantedOrTheWholeBlocksThatFit() {
    assertEquals(2048, KvBudget.given(64 * MIB).context(LAYOUT, 16, 2048));
    assertEquals(1000, KvBudget.given(64 * MIB).context(LAYOUT, 16, 1000));
    assertEquals(2032, KvBudget.given(64 * MIB - 1).context(LAYOUT, 16, 8192));
    assertEquals(100, KvBudget.given(8 * MIB).context(LAYOUT, 16, 100));
  }

  @Test
  void asManySequencesRunAsThereIsMemoryForTheirUsualLength() {
    // 512 positions take 16 MiB.
    assertEquals(4, KvBudget.given(64 * MIB).sequences(LAYOUT, 16, 2048));
    assertEquals(8, KvBudget.given(64 * MIB).sequences(LAYOUT, 16, 256));
    assertEquals(1, KvBudget.given(8 * MIB).sequences(LAYOUT, 16, 256));
    assertEquals(16, KvBudget.given(64_000 * MIB).sequences(LAYOUT, 16, 8192));
  }

  @Test
  void aBudgetThatIsTooSmallIsRefusedWithItsNumbers() {
    var refused =
        assertThrows(
            IllegalStateException.class, () -> KvBudget.given(5 * MIB).context(LAYOUT, 16, 2048));

    assertTrue(
        refused.getMessage().startsWith("Keys and values of 256 tokens take 8 MiB, but 5 MiB are"),
        refused.getMessage());
    assertThrows(IllegalStateException.class, () -> KvBudget.given(-5).context(LAYOUT, 16, 2048));
  }
}
