package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.estimate.Device;
import io.chasqui.estimate.MemoryEstimate;
import io.chasqui.estimate.MemoryQuestion;
import io.chasqui.estimate.Precision;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.KvCache;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedSizes;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ServerMemoryTest {
  private static final MemoryQuestion AS_IT_IS = cpu(null, null, null, null);

  @TempDir Path directory;

  private static PackedSizes demo() {
    try (PackedModel model = new EmbeddedModel().packed()) {
      return model.sizes();
    }
  }

  private static MemoryQuestion cpu(
      Precision precision, KvLayout.Type kv, Integer context, Integer batch) {
    return new MemoryQuestion(
        Optional.empty(),
        false,
        Optional.ofNullable(precision),
        Optional.ofNullable(kv),
        Optional.ofNullable(context),
        Optional.ofNullable(batch));
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void weightsAreThoseOfThePackedFile(DType dtype) throws IOException {
    Path file = directory.resolve("demo.chasqui");
    ModelPacker.pack(new EmbeddedModel(), file, dtype, Progress.NONE);
    var precision = Precision.valueOf(dtype.name());

    MemoryEstimate estimate =
        ServerMemory.ofServer(demo()).estimate(cpu(precision, null, null, null));

    try (PackedModel packed = PackedModel.open(file)) {
      assertEquals(packed.weightBytes(), estimate.weights());
      assertEquals(packed.sizes(), PackedSizes.of(new EmbeddedModel(), dtype));
      assertEquals(packed.parameters(), packed.sizes().parameters());
    }
  }

  @ParameterizedTest
  @EnumSource(KvLayout.Type.class)
  void keysAndValuesAreThoseOfACacheOfThatManyBlocks(KvLayout.Type type) {
    PackedSizes demo = demo();
    long estimated = ServerMemory.ofServer(demo).estimate(cpu(null, type, 100, 3)).kvCache();

    int blocks = 3 * KvLayout.blocks(100);
    try (var cache = new KvCache(demo.config().kvLayout(type), demo.config().layers(), blocks)) {
      assertEquals(cache.bytes(), estimated);
    }
  }

  @Test
  void anEngineTellsTheBlocksThatItHasAllocated() {
    long blockBytes = 6L * demo().config().kvLayout(KvLayout.Type.I8).blockBytes();
    EngineOptions options =
        new EngineOptions(
            320,
            KvLayout.Type.I8,
            OptionalLong.of(50 * blockBytes),
            OptionalInt.of(4),
            EngineOptions.DEFAULTS.queueCapacity(),
            EngineOptions.DEFAULTS.stallTimeout(),
            Speculation.OFF,
            EngineOptions.DEFAULTS.listener());
    try (Engine engine = Engine.open("demo", options)) {
      ServerMemory memory = engine.memory().orElseThrow();

      MemoryEstimate usual = memory.estimate(AS_IT_IS);
      assertEquals(320, usual.workload().context());
      assertEquals(4, usual.workload().batch());
      assertEquals(KvLayout.Type.I8, usual.workload().kv());
      assertEquals(Precision.Q8, usual.workload().precision());
      assertEquals(50 * blockBytes, usual.kvCache());

      assertEquals(60 * blockBytes, memory.estimate(cpu(null, null, null, 3)).kvCache());
    }
  }

  @Test
  void aGpuAndTrainingAreTheRuleOfThumbs() {
    var memory = ServerMemory.ofServer(demo());
    var gpu =
        memory.estimate(
            new MemoryQuestion(
                Optional.of(Device.GPU),
                false,
                Optional.of(Precision.F16),
                Optional.empty(),
                Optional.empty(),
                Optional.empty()));
    var training =
        memory.estimate(
            new MemoryQuestion(
                Optional.empty(),
                true,
                Optional.of(Precision.F32),
                Optional.empty(),
                Optional.empty(),
                Optional.empty()));

    assertEquals(1, gpu.workload().batch());
    assertEquals(2 * demo().parameters(), gpu.weights());
    assertEquals(1_300_000_000, gpu.runtime());
    assertEquals(8 * demo().parameters(), training.optimizer());
    assertEquals(0, training.kvCache());
  }

  @Test
  void whatThisProgramCannotDoIsRefused() {
    refused("at most 512", cpu(null, null, 513, null));
    refused("context must be from 1", cpu(null, null, 0, null));
    refused("at most 64 on the CPU", cpu(null, null, null, 65));
    refused("batch must be from 1", cpu(null, null, null, -1));
    refused("not packed as f16", cpu(Precision.F16, null, null, null));
    refused("not packed as i8", cpu(Precision.I8, null, null, null));
  }

  private static void refused(String part, MemoryQuestion question) {
    var memory = ServerMemory.ofServer(demo());
    String message =
        assertThrows(IllegalArgumentException.class, () -> memory.estimate(question)).getMessage();
    assertTrue(message.contains(part), message);
  }
}
