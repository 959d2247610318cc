package io.chasqui.estimate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.KvLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RuleOfThumbTest {
  private static final long GB = 1_000_000_000;

  private static final ModelShape LLAMA_6B = new ModelShape(6 * GB, 32, 4096, 11_008, 32, 128);

  private static Workload workload(Device device, boolean training, Precision precision) {
    return new Workload(device, training, precision, KvLayout.Type.F16, 2048, 1);
  }

  /** The numbers of the textbook, for one sequence of 2048 positions. */
  @Test
  void theTextbooksLlamaOf6BillionParameters() {
    MemoryEstimate floats =
        RuleOfThumb.estimate(LLAMA_6B, workload(Device.CPU, true, Precision.F32));
    MemoryEstimate bytes = RuleOfThumb.estimate(LLAMA_6B, workload(Device.CPU, true, Precision.I8));

    assertEquals(24 * GB, floats.weights());
    assertEquals(6 * GB, bytes.weights());
    assertEquals(24 * GB, floats.gradients());
    assertEquals(48 * GB, floats.optimizer());
    assertEquals(12 * GB, bytes.optimizer());
    assertEquals((4096L + 11_008) * 2048 * 32, floats.activations());
    assertEquals(990, floats.activations() / 1e6, 1);
    assertEquals(0, floats.kvCache());
    assertEquals(0, floats.runtime());
    assertEquals(24 * GB + 24 * GB + 48 * GB + floats.activations(), floats.total());
  }

  @ParameterizedTest
  @CsvSource({
    "F32, 24000000000",
    "F16, 12000000000",
    "BF16, 12000000000",
    "Q8, 6375000000",
    "I8, 6000000000",
    "Q4, 3375000000"
  })
  void weightsTakeWhatTheirPrecisionSays(Precision precision, long bytes) {
    var estimate = RuleOfThumb.estimate(LLAMA_6B, workload(Device.GPU, false, precision));
    assertEquals(bytes, estimate.weights());
  }

  /** 2 · layers · heads · head size · positions · 2 bytes: half a megabyte a token. */
  @Test
  void whoGeneratesHasKeysAndValuesAndNeitherGradientsNorMoments() {
    var estimate = RuleOfThumb.estimate(LLAMA_6B, workload(Device.GPU, false, Precision.F16));

    assertEquals(2L * 32 * 32 * 128 * 2048 * 2, estimate.kvCache());
    assertEquals(0, estimate.gradients());
    assertEquals(0, estimate.optimizer());
    assertEquals(1_300_000_000, estimate.runtime());
  }

  @Test
  void twoSequencesHaveTwiceTheKeysValuesAndActivationsOfOne() {
    var one = RuleOfThumb.estimate(LLAMA_6B, workload(Device.GPU, false, Precision.F16));
    var two =
        RuleOfThumb.estimate(
            LLAMA_6B, new Workload(Device.GPU, false, Precision.F16, KvLayout.Type.F16, 2048, 2));

    assertEquals(2 * one.kvCache(), two.kvCache());
    assertEquals(2 * one.activations(), two.activations());
    assertEquals(one.weights(), two.weights());
  }

  @Test
  void keysAndValuesIn8BitsHaveAScaleForEachHeadAndPosition() {
    var workload = new Workload(Device.GPU, false, Precision.F16, KvLayout.Type.I8, 2048, 1);
    long each = 2L * 32 * 32 * 2048;

    assertEquals(each * (128 + 4), RuleOfThumb.kvBytes(LLAMA_6B, workload));
  }

  @Test
  void aNumberOutOfRangeIsNamedWithItsRange() {
    refused("parameters", () -> new ModelShape(0, 32, 4096, 11_008, 32, 128));
    refused("layers", () -> new ModelShape(GB, 0, 4096, 11_008, 32, 128));
    refused("hidden", () -> new ModelShape(GB, 32, -1, 11_008, 32, 128));
    refused("intermediate", () -> new ModelShape(GB, 32, 4096, 1 << 30, 32, 128));
    refused("kv_heads", () -> new ModelShape(GB, 32, 4096, 11_008, 0, 128));
    refused("head_dim", () -> new ModelShape(GB, 32, 4096, 11_008, 32, 100));
    refused("context", () -> over(Integer.MAX_VALUE, 1));
    refused("context", () -> over(0, 1));
    refused("batch", () -> over(1, 0));
  }

  @Test
  void whatIsTooMuchToBeCountedIsRefused() {
    var shape = new ModelShape(GB, 1024, 1 << 20, 1 << 20, 1 << 20, 256);
    refused("more bytes", () -> RuleOfThumb.estimate(shape, over(1 << 24, 1 << 16)));
  }

  private static Workload over(int context, int batch) {
    return new Workload(Device.GPU, false, Precision.F16, KvLayout.Type.F16, context, batch);
  }

  private static void refused(String part, Runnable call) {
    String message = assertThrows(IllegalArgumentException.class, call::run).getMessage();
    assertTrue(message.contains(part), message);
  }
}
