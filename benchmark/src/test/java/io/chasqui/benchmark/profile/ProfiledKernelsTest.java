package io.chasqui.benchmark.profile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.Matrix;
import io.chasqui.kernel.QuantizedRows;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ProfiledKernelsTest {
  private static final int ROWS = 64;
  private static final int COLUMNS = 96;

  private final Arena arena = Arena.ofShared();
  private final ProfiledKernels kernels = new ProfiledKernels(Kernels.best());

  @AfterEach
  void freeMemory() {
    arena.close();
  }

  private MemorySegment memory(long bytes) {
    return arena.allocate(bytes, 64);
  }

  private Matrix matrix(DType dtype) {
    return new Matrix(dtype, ROWS, COLUMNS, memory(dtype.bytes(ROWS, COLUMNS)));
  }

  private void multiply(Matrix w, int tokens, int groupFrom, int groupTo) {
    MemorySegment x = memory(Math.max(QuantizedRows.bytes(tokens, COLUMNS), 4L * tokens * COLUMNS));
    kernels.matmul(w, x, tokens, memory(4L * tokens * ROWS), ROWS, groupFrom, groupTo);
  }

  @Test
  void aProductIsCountedWithTheRowsThatItHas() {
    Matrix w = matrix(DType.Q8);
    multiply(w, 3, 0, 1);
    multiply(w, 3, 1, 4);

    OperationSum sum = kernels.sums().get(Operation.matmul(w));
    assertEquals(3L * ROWS * COLUMNS, sum.macs());
    assertEquals(DType.Q8.bytes(ROWS, COLUMNS), sum.bytes());
    assertTrue(sum.nanos() > 0);
  }

  @Test
  void matricesOfOneShapeAreOneOperation() {
    multiply(matrix(DType.Q4), 1, 0, 4);
    multiply(matrix(DType.Q4), 1, 0, 4);
    multiply(matrix(DType.F32), 1, 0, 4);

    assertEquals(2, kernels.sums().size());
    assertEquals(
        2L * ROWS * COLUMNS, kernels.sums().get(Operation.matmul(matrix(DType.Q4))).macs());
  }

  @Test
  void gateAndUpAreTwoProducts() {
    Matrix gate = matrix(DType.F32);
    kernels.gateUp(gate, matrix(DType.F32), memory(4L * COLUMNS), 1, memory(4L * ROWS), ROWS, 0, 4);

    OperationSum sum = kernels.sums().get(Operation.gateUp(gate));
    assertEquals(2L * ROWS * COLUMNS, sum.macs());
    assertEquals(2 * DType.F32.bytes(ROWS, COLUMNS), sum.bytes());
  }

  @Test
  void attentionCountsThePositionsThatEachTokenSees() {
    var layout = new KvLayout(KvLayout.Type.F16, 2, 32);
    int heads = 4;
    int width = heads * layout.headSize();
    // Positions 14 to 16: the tokens see 15, 16 and 17, in two blocks.
    MemorySegment blocks = memory(8);
    blocks.set(java.lang.foreign.ValueLayout.JAVA_INT, 4, 1);
    kernels.attention(
        layout,
        memory(2 * layout.blockBytes()),
        blocks,
        14,
        memory(4L * 3 * width),
        width,
        3,
        heads,
        1,
        memory(4L * 3 * width),
        width,
        1,
        2);

    OperationSum sum = kernels.sums().get(Operation.ATTENTION);
    assertEquals(2L * (15 + 16 + 17) * 2 * layout.headSize(), sum.macs());
    assertEquals(layout.blockBytes(), sum.bytes());
  }

  @Test
  void threadsAreAddedUpAndForgotten() throws InterruptedException {
    Matrix w = matrix(DType.Q8);
    Thread other = Thread.ofPlatform().start(() -> multiply(w, 1, 0, 2));
    other.join();
    multiply(w, 1, 2, 4);

    assertEquals((long) ROWS * COLUMNS, kernels.sums().get(Operation.matmul(w)).macs());
    kernels.reset();
    assertEquals(Map.of(), kernels.sums());
  }

  @Test
  void argumentsAreCheckedAsEver() {
    Matrix w = matrix(DType.F32);
    assertThrows(IllegalArgumentException.class, () -> multiply(w, 1, 0, 5));
  }

  @Test
  void aRunOfAModelIsProfiled() {
    try (PackedModel model = new EmbeddedModel().packed();
        var run = new ProfileRun(model, kernels, 2, 3, 20, 4, 1)) {
      run.prefill();
      long prefill = kernels.sums().get(Operation.ATTENTION).macs();
      kernels.reset();
      run.reset();
      run.decode(4);

      OperationSum attention = kernels.sums().get(Operation.ATTENTION);
      int[] seen = {21, 22, 23, 24};
      // Three prompts of 20 tokens, then three sequences of which each token sees one more.
      assertEquals(
          (double) 3 * 210 / (3 * (seen[0] + seen[1] + seen[2] + seen[3])),
          (double) prefill / attention.macs(),
          1e-9);
      assertTrue(run.forwardNanos() > 0 && run.samplingNanos() > 0);
      assertTrue(kernels.sums().containsKey(Operation.ROTARY));
    }
  }
}
