package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.DType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddedModelTest {
  private final EmbeddedModel demo = new EmbeddedModel();

  @TempDir Path directory;

  @Test
  void thePackedFileIsItsSourcePackedByteForByte() throws IOException {
    Path expected = directory.resolve("demo.chasqui");
    ModelPacker.pack(demo, expected, DType.Q8, Progress.NONE);
    byte[] packed;
    try (InputStream in = EmbeddedModel.class.getResourceAsStream(EmbeddedModel.PACKED)) {
      packed = in.readAllBytes();
    }

    PackedModel.verify(expected, Progress.NONE);
    assertEquals(
        -1,
        Arrays.mismatch(Files.readAllBytes(expected), packed),
        "The packed demo model is not made from its source any more. Make it anew and commit it:"
            + " ./chasqui pack demo src/main/resources/models/demo.chasqui --quant q8");
  }

  @Test
  void thePackedModelIsReadAsFromItsFile() throws IOException {
    Path file = directory.resolve("demo.chasqui");
    ModelPacker.pack(demo, file, DType.Q8, Progress.NONE);

    try (PackedModel embedded = demo.packed();
        PackedModel mapped = PackedModel.open(file)) {
      assertEquals("demo", embedded.name());
      assertEquals(mapped.config(), embedded.config());
      assertEquals(mapped.settings(), embedded.settings());
      assertEquals(mapped.weightBytes(), embedded.weightBytes());
      String matrix = "model.layers.5.self_attn.qkv_proj.weight";
      String vector = "model.norm.weight";
      assertEquals(0, embedded.matrix(matrix).address() % PackHeader.TENSOR_ALIGNMENT);
      assertEquals(-1, mapped.matrix(matrix).data().mismatch(embedded.matrix(matrix).data()));
      assertEquals(-1, mapped.vector(vector).mismatch(embedded.vector(vector)));
      String text = "A fox 🦙 你好";
      assertArrayEquals(
          mapped.tokenizer().encode(text, true), embedded.tokenizer().encode(text, true));
    }
  }

  @Test
  void smallFilesAreRead() {
    assertTrue(
        new String(demo.require("config.json"), StandardCharsets.UTF_8).contains("hidden_size"));
  }

  @Test
  void aFileThatIsNotThereIsEmptyOrNamed() {
    assertEquals(Optional.empty(), demo.read("chat_template.jinja"));
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> demo.require("chat_template.jinja"));
    assertTrue(refusal.getMessage().contains("chat_template.jinja"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"../demo/config.json", "/config.json", "", ".", "..", "a/b", "a\\b"})
  void aPathIsNotAFileName(String file) {
    assertThrows(IllegalArgumentException.class, () -> demo.read(file));
    assertThrows(
        IllegalArgumentException.class, () -> new ModelDirectory("m", Path.of(".")).read(file));
  }
}
