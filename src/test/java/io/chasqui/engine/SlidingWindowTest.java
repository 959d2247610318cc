package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.chasqui.kernel.DType;
import io.chasqui.model.TinyFamily;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.Progress;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models whose attention sees a part of the context only. */
class SlidingWindowTest {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({"MISTRAL, 72", "MISTRAL_WIDE_HEADS, 128", "QWEN_2, 128"})
  void theContextEndsWhereTheWindowDoes(TinyFamily family, int context) throws Exception {
    try (Engine engine = Engine.open(packed(family).toString())) {
      assertEquals(context, engine.model().contextLength());
    }
  }

  @Test
  void noSequenceOutgrowsTheWindow() throws Exception {
    try (Engine engine = Engine.open(packed(TinyFamily.MISTRAL).toString())) {
      GenerationRequest most = GenerationRequest.forPrompt(TinyFamily.MISTRAL.prompt(71)).build();
      assertEquals(1, Collected.from(engine.submit(most)).finished().usage().completionTokens());

      GenerationRequest more = GenerationRequest.forPrompt(TinyFamily.MISTRAL.prompt(72)).build();
      assertThrows(AdmissionException.class, () -> engine.submit(more));
    }
  }

  private Path packed(TinyFamily family) throws Exception {
    family.write(directory, TinyFamily.Stored.F32);
    Path file = directory.resolve("model.chasqui");
    ModelPacker.pack(new ModelDirectory(family.name(), directory), file, DType.Q8, Progress.NONE);
    return file;
  }
}
