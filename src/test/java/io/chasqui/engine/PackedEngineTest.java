package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelFormatException;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The engine on a packed model. */
class PackedEngineTest {
  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(DType.class)
  void aPackedModelKnowsWhatTheModelKnows(DType dtype) throws Exception {
    try (Engine engine = Engine.open(packed(dtype).toString())) {
      assertTrue(answer(engine, "What is the capital of Japan?").contains("Tokyo"));
      assertTrue(answer(engine, "你好").contains("你好"));
      assertEquals("🦙", answer(engine, "Show me an emoji for a llama."));
      assertEquals("demo", engine.model().name());
      assertEquals(Kernels.best().name(), engine.model().kernels());
      assertEquals(512, engine.model().contextLength());
    }
  }

  @Test
  void theContextCanBeMadeShorter() throws Exception {
    var options = EngineOptions.DEFAULTS.withMaxContext(32);
    try (Engine engine = Engine.open(packed(DType.Q8).toString(), options)) {
      int[] prompt = engine.tokenizer().encode("Once upon a time", true);

      Collected answer = Collected.from(engine.submit(GenerationRequest.forPrompt(prompt).build()));

      assertEquals(32 - prompt.length, answer.finished().usage().completionTokens());
      assertThrows(
          AdmissionException.class,
          () -> engine.submit(GenerationRequest.forPrompt(new int[32]).build()));
    }
  }

  @Test
  void keysAndValuesInEightBitsTakeHalfTheMemoryAndGiveTheAnswer() throws Exception {
    // 6 layers of 4 heads, each with a key and a value of 32 elements and their scales.
    long memory = 320L * 6 * 4 * 2 * (32 + Float.BYTES);
    var options = EngineOptions.DEFAULTS.withKv(KvLayout.Type.I8, OptionalLong.of(memory));
    try (Engine engine = Engine.open(packed(DType.Q8).toString(), options)) {
      assertEquals(320, engine.model().contextLength());
      assertTrue(answer(engine, "What is the capital of Japan?").contains("Tokyo"));
    }
  }

  @Test
  void aBudgetWithoutRoomForAConversationIsRefusedWithWhatToDo() throws Exception {
    var options = EngineOptions.DEFAULTS.withKv(KvLayout.Type.F16, OptionalLong.of(1000));
    PackedModel model = PackedModel.open(packed(DType.Q8));

    var refused = assertThrows(IllegalStateException.class, () -> LocalEngine.open(model, options));

    assertTrue(refused.getMessage().contains("Allow them more"));
    MemorySegment norm = model.vector("model.norm.weight");
    assertFalse(norm.scope().isAlive(), "the model is still mapped");
  }

  @Test
  void aFileThatIsNotPackedIsRefused() throws Exception {
    Path file = Files.writeString(directory.resolve("no.chasqui"), "not a model".repeat(100));

    assertThrows(ModelFormatException.class, () -> Engine.open(file.toString()));
    assertThrows(
        ModelFormatException.class,
        () -> Engine.open(directory.resolve("none.chasqui").toString()));
  }

  private Path packed(DType dtype) throws Exception {
    Path file = directory.resolve("demo.chasqui");
    ModelPacker.pack(new EmbeddedModel(), file, dtype, Progress.NONE);
    return file;
  }

  private static String answer(Engine engine, String question) throws Exception {
    int[] prompt = engine.promptFor(List.of(ChatMessage.user(question)));
    Collected answer = Collected.from(engine.submit(GenerationRequest.forPrompt(prompt).build()));
    answer.finished();
    return answer.text();
  }
}
