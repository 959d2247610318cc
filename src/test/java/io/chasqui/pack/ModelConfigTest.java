package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.DType;
import io.chasqui.pack.ModelConfig.Architecture;
import io.chasqui.pack.ModelConfig.RopeScaling;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelConfigTest {
  private static final String SHAPES =
      "\"hidden_size\": 64, \"intermediate_size\": 96, \"num_hidden_layers\": 2,"
          + " \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"vocab_size\": 100,"
          + " \"max_position_embeddings\": 256";

  private static final String LLAMA3_ROPE =
      ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
          + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64}";

  private static final String GRANITE_MULTIPLIERS =
      ", \"embedding_multiplier\": 12.0, \"attention_multiplier\": 0.015625,"
          + " \"residual_multiplier\": 0.22, \"logits_scaling\": 8.0";

  @Test
  void defaultsAreThoseOfTransformers() {
    ModelConfig llama = read("llama", "");

    assertEquals(Architecture.LLAMA, llama.architecture());
    assertEquals(16, llama.headSize());
    assertEquals(64, llama.queryWidth());
    assertEquals(32, llama.kvWidth());
    assertEquals(1e-6f, llama.rmsNormEps());
    assertEquals(10_000, llama.ropeTheta());
    assertEquals(new RopeScaling.None(), llama.ropeScaling());
    assertEquals(0.25f, llama.attentionMultiplier());
    assertEquals(1, llama.embeddingMultiplier());
    assertEquals(OptionalInt.empty(), llama.slidingWindow());
    assertFalse(llama.tiedEmbeddings() || llama.attentionBias() || llama.attentionOutputBias());
  }

  @ParameterizedTest
  @EnumSource
  void theseDefaultsAreThoseOfEveryFamily(Architecture family) {
    ModelConfig config = read(family.modelType(), "");

    assertEquals(family, config.architecture());
    assertEquals(1e-6f, config.rmsNormEps());
    assertEquals(10_000, config.ropeTheta());
    assertEquals(new RopeScaling.None(), config.ropeScaling());
    assertFalse(config.tiedEmbeddings());
    assertEquals(16, config.headSize());
    assertEquals(16, read(family.modelType(), ", \"head_dim\": null").headSize());
  }

  @ParameterizedTest
  @CsvSource({"llama, 64", "granite, 64", "qwen2, 32", "mistral, 8"})
  void aMissingNumberOfKeyValueHeadsIsTheFamilysDefault(String family, int heads) {
    String shapes =
        "\"hidden_size\": 1024, \"intermediate_size\": 96, \"num_hidden_layers\": 2,"
            + " \"num_attention_heads\": 64, \"vocab_size\": 100,"
            + " \"max_position_embeddings\": 256";

    assertEquals(heads, parse(family, shapes).kvHeads());
    assertEquals(64, parse(family, shapes + ", \"num_key_value_heads\": null").kvHeads());
  }

  @Test
  void aGraniteWithoutMultipliersHasOnes() {
    ModelConfig granite = read("granite", "");

    assertEquals(1, granite.embeddingMultiplier());
    assertEquals(1, granite.attentionMultiplier());
    assertEquals(1, granite.residualMultiplier());
    assertEquals(1, granite.logitsScaling());
  }

  @Test
  void theRopeOfLlama3IsRead() {
    assertEquals(new RopeScaling.Llama3(8, 1, 4, 64), read("llama", LLAMA3_ROPE).ropeScaling());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}, \"rope_theta\": 500.0",
        ", \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2, \"rope_theta\": 500}",
        ", \"rope_scaling\": null, \"rope_theta\": 7,"
            + " \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2, \"rope_theta\": 500}",
      })
  void ropeIsReadAsOldAndAsNewFilesHaveIt(String rope) {
    assertEquals(new RopeScaling.Linear(2), read("llama", rope).ropeScaling());
    assertEquals(500, read("llama", rope).ropeTheta());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ", \"rope_theta\": 500",
        ", \"rope_theta\": 500, \"rope_scaling\": {\"rope_type\": \"default\"}",
        ", \"rope_theta\": 500, \"rope_scaling\": {\"type\": \"default\"}",
        ", \"rope_theta\": 500, \"rope_scaling\": {}",
        ", \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500}",
        ", \"rope_parameters\": {\"rope_theta\": 500, \"partial_rotary_factor\": 1.0}",
      })
  void ropeWithoutScalingIsReadHoweverItIsWritten(String rope) {
    assertEquals(new RopeScaling.None(), read("llama", rope).ropeScaling());
    assertEquals(500, read("llama", rope).ropeTheta());
  }

  @Test
  void theRopeOfLlama3IsReadFromNewFilesToo() {
    String rope =
        LLAMA3_ROPE
            .replace("rope_scaling", "rope_parameters")
            .replace("}", ", \"rope_theta\": 5e5}");

    assertEquals(new RopeScaling.Llama3(8, 1, 4, 64), read("llama", rope).ropeScaling());
    assertEquals(500_000, read("llama", rope).ropeTheta());
  }

  @Test
  void onlyMistralsWindowIsASlidingOne() {
    assertEquals(OptionalInt.of(128), read("mistral", ", \"sliding_window\": 128").slidingWindow());
    assertEquals(
        OptionalInt.empty(), read("mistral", ", \"sliding_window\": null").slidingWindow());
    assertEquals(
        OptionalInt.empty(),
        read("qwen2", ", \"sliding_window\": 128, \"use_sliding_window\": false").slidingWindow());
    assertEquals(OptionalInt.empty(), read("llama", ", \"sliding_window\": 128").slidingWindow());
    assertEquals(OptionalInt.of(4096), read("mistral", "").slidingWindow());
  }

  @ParameterizedTest
  @CsvSource({
    "llama, false, false",
    "llama, true, true",
    "granite, false, false",
    "granite, true, true",
    "mistral, true, false",
    "qwen2, true, false",
  })
  void attentionBiasCountsInLlamaAndGraniteOnly(String family, boolean flag, boolean output) {
    ModelConfig config = read(family, ", \"attention_bias\": " + flag);

    assertEquals(output, config.attentionOutputBias());
    assertEquals(output || family.equals("qwen2"), config.attentionBias());
  }

  @Test
  void qwen2HasBiasesWhateverIsSaid() {
    assertTrue(read("qwen2", "").attentionBias());
    assertTrue(read("qwen2", ", \"attention_bias\": false").attentionBias());
  }

  @Test
  void granitesMultipliersAreRead() {
    ModelConfig granite = read("granite", GRANITE_MULTIPLIERS);

    assertEquals(12, granite.embeddingMultiplier());
    assertEquals(0.015625f, granite.attentionMultiplier());
    assertEquals(0.22f, granite.residualMultiplier());
    assertEquals(8, granite.logitsScaling());
    assertEquals(1, read("llama", GRANITE_MULTIPLIERS).logitsScaling());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "llama   | , \"rope_scaling\": {\"type\": \"yarn\"}         | \"yarn\" is not supported",
        "llama   | , \"hidden_act\": \"gelu\"                       | \"gelu\" is not supported",
        "llama   | , \"mlp_bias\": true                             | mlp_bias",
        "llama   | , \"partial_rotary_factor\": 0.5                 | partial rotary",
        "llama   | , \"rope_scaling\": {\"rope_type\": \"dynamic\"} | \"dynamic\" is not supported",
        "qwen2   | , \"rope_parameters\": {\"rope_type\": \"yarn\"} | \"yarn\" is not supported",
        "llama   | , \"rope_parameters\": {\"partial_rotary_factor\": 0.5} | rope_parameters.partial_rotary_factor: a partial rotary",
        "qwen2   | , \"rope_parameters\": {\"full_attention\": {\"rope_type\": \"default\"}} | differ by the type of layer",
        "qwen2   | , \"layer_types\": [\"full_attention\", \"sliding_attention\"] | layer_types[1]: layers of type \"sliding_attention\"",
        "granite | , \"mlp_bias\": true | mlp_bias",
        "qwen2   | , \"use_sliding_window\": true                   | use_sliding_window",
        "llama   | , \"rope_scaling\": {\"rope_type\": \"linear\"} | \"factor\" is missing",
        "llama   | , \"rope_scaling\": {\"type\": \"linear\", \"factor\": \"2\"} | rope_scaling.factor: must be a number",
        "llama   | , \"rope_scaling\": {\"type\": \"linear\", \"factor\": 0.5} | at least 1",
        "llama   | , \"rope_scaling\": {\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4} | \"original_max_position_embeddings\" is missing",
        "llama   | , \"rope_scaling\": \"linear\" | must be an object",
        "llama   | , \"attention_bias\": \"yes\" | attention_bias: must be true or false",
        "granite | , \"attention_multiplier\": 0 | attentionMultiplier must be a positive number",
        "llama   | , \"head_dim\": 7                                | headSize must be from 16 to 256",
        "llama   | , \"head_dim\": 40                               | headSize must be a multiple of 16",
        "llama   | , \"head_dim\": 272                              | headSize must be from 16 to 256",
        "llama   | , \"rms_norm_eps\": -1                           | rmsNormEps",
        "llama   | , \"rope_theta\": \"big\"                        | rope_theta: must be a number",
        "mistral | , \"sliding_window\": 0                          | slidingWindow",
      })
  void whatCannotBeObeyedIsNamed(String family, String more, String named) {
    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> read(family, more));
    assertNotEquals(UnknownFamilyException.class, refusal.getClass());
    assertTrue(refusal.getMessage().contains(named), refusal.getMessage());
    assertEquals("config.json", refusal.file());
  }

  @Test
  void aFamilyThatTheDecoderDoesNotKnowIsNamed() {
    var refusal = assertThrows(UnknownFamilyException.class, () -> read("phi3", ""));
    assertTrue(refusal.getMessage().contains("family \"phi3\""), refusal.getMessage());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "llama   | ",
        "llama | , \"tie_word_embeddings\": true",
        "qwen2 | ",
        "mistral | , \"sliding_window\": 128",
        "llama | , \"attention_bias\": true",
        "llama   | , \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}",
      })
  void aHeaderKeepsEveryConfiguration(String family, String more) {
    assertIsKept(read(family, more == null ? "" : more));
  }

  @Test
  void aHeaderKeepsWhatHasManyParts() {
    assertIsKept(read("llama", LLAMA3_ROPE));
    assertIsKept(read("granite", GRANITE_MULTIPLIERS));
  }

  private static void assertIsKept(ModelConfig config) {
    var settings =
        new ModelSettings(
            config.architecture().modelType(),
            config.context(),
            config.vocabulary(),
            Set.of(1, 99),
            Optional.of("{{ \"template\" }}\n"),
            "<s>",
            "</s>",
            OptionalDouble.of(0.7),
            OptionalInt.of(20),
            OptionalDouble.of(0.8));
    List<PackHeader.Tensor> tensors =
        PackHeader.layOut(TensorPlan.of(config), item -> item.dtype(DType.Q8));
    long weightBytes = tensors.getLast().end();
    String digest = "0123456789abcdef".repeat(4);
    var header =
        new PackHeader(
            "a \"name\"",
            DType.Q8,
            config,
            "{\"text\": \"\\u00e9\"}",
            settings,
            List.of(
                new PackHeader.Section("tokenizer", 8192, 100, digest),
                new PackHeader.Section("weights", 12_288, weightBytes, digest)),
            tensors,
            List.of());

    assertEquals(
        header, PackHeader.parse("f.chasqui", header.toJson(), 8192, 12_288 + weightBytes));
  }

  private static ModelConfig read(String family, String more) {
    return parse(family, SHAPES + more);
  }

  private static ModelConfig parse(String family, String fields) {
    String json = "{\"model_type\": \"" + family + "\", " + fields + "}";
    return HuggingFaceConfig.read(
        JsonSection.parse("config.json", json.getBytes(StandardCharsets.UTF_8)));
  }
}
