package io.chasqui.pack;

import static io.chasqui.pack.SafetensorsHeaderTest.safetensors;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFilesTest {
  private static final String A =
      "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
  private static final String B =
      "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";

  @TempDir Path directory;

  @Test
  void shardsNamedByTheIndexAreRead() throws IOException {
    write("one.safetensors", A, 4);
    write("two.safetensors", B, 4);
    index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");

    assertEquals(
        Set.of("one.safetensors", "two.safetensors"),
        SafetensorsFiles.check(directory).headers().keySet());
  }

  @Test
  void aMissingShardIsNamed() throws IOException {
    write("one.safetensors", A, 4);
    index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");

    assertRefused("two.safetensors is missing");
  }

  @Test
  void aTensorThatIsNotInItsShardIsNamed() throws IOException {
    write("one.safetensors", A, 4);
    index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}");

    assertRefused("one.safetensors, b: ");
  }

  @Test
  void aTensorInTwoShardsIsRefused() throws IOException {
    write("one.safetensors", A, 4);
    write(
        "two.safetensors",
        """
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},\
        "b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}\
        """,
        8);
    index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}}");

    assertRefused("two.safetensors, a: another shard holds it too");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"../one.safetensors\"",
        "\"/etc/one.safetensors\"",
        "\"sub/one.safetensors\"",
        "\"sub\\\\one.safetensors\"",
        "\"..\"",
        "\"\"",
        "7",
        "null"
      })
  void aShardOutsideTheDirectoryIsRefused(String shard) throws IOException {
    index("{\"weight_map\":{\"a\":" + shard + "}}");

    assertRefused("must be a plain file name");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "{", "{}", "{\"weight_map\":{}}", "{\"weight_map\":[]}"})
  void anIndexThatIsNoneIsRefused(String index) throws IOException {
    index(index);

    assertRefused(SafetensorsFiles.INDEX);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"Q4", "I8"})
  void whatJlamaQuantizesIsAccepted(DType quantization) throws IOException {
    Path model = Files.createDirectory(directory.resolve("demo"));
    EmbeddedModel demo = new EmbeddedModel();
    for (String file : List.of("config.json", "tokenizer.json", SafetensorsFiles.SINGLE)) {
      Files.write(model.resolve(file), demo.require(file));
    }
    Files.writeString(model.resolve("README.md"), "demo\n");

    Path quantized =
        SafeTensorSupport.quantizeModel(
            model, quantization, new String[] {"norm"}, null, Optional.empty());

    SafetensorsHeader header =
        SafetensorsFiles.check(quantized).headers().get(SafetensorsFiles.SINGLE);
    assertEquals(List.of(2048L, 8L), header.tensors().get("model.embed_tokens.weight.qb").shape());
    assertEquals(
        quantization.name(), header.tensors().get("model.embed_tokens.weight").dtype().name());
  }

  @Test
  void quantizedWeightsWithoutScalesAreRefused() throws IOException {
    write(
        SafetensorsFiles.SINGLE,
        "{\"w\":{\"dtype\":\"Q4\",\"shape\":[32],\"data_offsets\":[0,16]}}",
        16);

    assertRefused("w.qb, which is missing");
  }

  @Test
  void scalesOfAnotherShapeAreRefused() throws IOException {
    write(
        SafetensorsFiles.SINGLE,
        """
        {"w":{"dtype":"I8","shape":[64],"data_offsets":[0,64]},\
        "w.qb":{"dtype":"F32","shape":[1],"data_offsets":[64,68]}}\
        """,
        68);

    assertRefused("must be F32 of shape [2]");
  }

  private void assertRefused(String part) {
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> SafetensorsFiles.check(directory));
    assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
  }

  private void write(String file, String json, int dataBytes) throws IOException {
    Files.write(directory.resolve(file), safetensors(json, dataBytes));
  }

  private void index(String json) throws IOException {
    Files.writeString(directory.resolve(SafetensorsFiles.INDEX), json);
  }
}
