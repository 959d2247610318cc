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

  private static KvBudget given(long bytes) {
    return KvBudget.given(bytes, new ProcessMemory(Long.MAX_VALUE, 100 * MIB, 700 * MIB));
  }

  private static KvBudget left(long limit) {
    return KvBudget.of(new ProcessMemory(limit, 100 * MIB, 700 * MIB));
  }

  @Test
  void whatWeightsHeapAndProgramLeaveIsForKeysAndValues() {
    long needed = ProcessMemory.PROGRAM_BYTES + 100 * MIB + 700 * MIB;
    assertEquals(32 * MIB, left(needed + 32 * MIB).bytes());
    assertTrue(left(100 * MIB).bytes() < 0);
    assertTrue(left(Long.MAX_VALUE).bytes() > 1L << 60);
  }

  @Test
  void aLimitThatDoesNotHoldTheModelIsRefusedWithWhatItNeeds() {
    var refused =
        assertThrows(IllegalStateException.class, () -> left(700 * MIB).context(LAYOUT, 16, 2048));

    assertEquals(
        "A memory limit of 700 MiB does not hold this model, which needs 968 MiB: 700 MiB for"
            + " weights, 100 MiB for the heap, 160 MiB for the program, and 8 MiB for keys and values"
            + " of 256 tokens. Raise the container's memory limit, lower the maximal heap (-Xmx), or"
            + " store keys and values in 8 bits.",
        refused.getMessage());
    assertEquals(256, left(968 * MIB).context(LAYOUT, 16, 2048));
  }

  @Test
  void moreForKeysAndValuesThanTheLimitLeavesIsRefused() {
    var process = new ProcessMemory(1000 * MIB, 100 * MIB, 700 * MIB);

    assertEquals(40 * MIB, KvBudget.given(40 * MIB, process).bytes());
    var refused =
        assertThrows(IllegalStateException.class, () -> KvBudget.given(41 * MIB, process));
    assertTrue(refused.getMessage().contains("would have to be 1001 MiB"), refused.getMessage());
  }

  @Test
  void theContextIsWhatIsWantedOrTheWholeBlocksThatFit() {
    assertEquals(2048, given(64 * MIB).context(LAYOUT, 16, 2048));
    assertEquals(1000, given(64 * MIB).context(LAYOUT, 16, 1000));
    assertEquals(2032, given(64 * MIB - 1).context(LAYOUT, 16, 8192));
    assertEquals(100, given(8 * MIB).context(LAYOUT, 16, 100));
  }

  @Test
  void asManySequencesRunAsThereIsMemoryForTheirUsualLength() {
    // 512 positions take 16 MiB.
    assertEquals(4, given(64 * MIB).sequences(LAYOUT, 16, 2048));
    assertEquals(8, given(64 * MIB).sequences(LAYOUT, 16, 256));
    assertEquals(1, given(8 * MIB).sequences(LAYOUT, 16, 256));
    assertEquals(16, given(64_000 * MIB).sequences(LAYOUT, 16, 8192));
  }

  @Test
  void aBudgetThatIsTooSmallIsRefusedWithItsNumbers() {
    var refused =
        assertThrows(IllegalStateException.class, () -> given(5 * MIB).context(LAYOUT, 16, 2048));

    assertTrue(
        refused.getMessage().startsWith("Keys and values of 256 tokens take 8 MiB, but 5 MiB are"),
        refused.getMessage());
    assertThrows(IllegalStateException.class, () -> given(-5).context(LAYOUT, 16, 2048));
  }
}
