package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EmbeddedModelTest {
  private final EmbeddedModel demo = new EmbeddedModel();

  @Test
  void theWeightsAreDirectAndLittleEndian() {
    ByteBuffer weights = demo.weights();

    assertTrue(weights.isDirect());
    assertEquals(ByteOrder.LITTLE_ENDIAN, weights.order());
    assertEquals(6024, weights.getLong(0));
    assertEquals(6032 + 9902592, weights.remaining());
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
