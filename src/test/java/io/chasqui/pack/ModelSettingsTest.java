package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelSettingsTest {
  private static final String CONFIG =
      """
      {"model_type": "llama", "vocab_size": 100, "max_position_embeddings": 64, "eos_token_id": 2}
      """;

  @TempDir Path directory;

  @BeforeEach
  void aSmallConfig() throws IOException {
    write("config.json", CONFIG);
  }

  @Test
  void theDemoModelIsRead() {
    ModelSettings demo = ModelSettings.read(new EmbeddedModel());

    assertEquals("llama", demo.architecture());
    assertEquals(512, demo.contextLength());
    assertEquals(2048, demo.vocabularySize());
    assertEquals(Set.of(2045, 2047), demo.eosTokenIds());
    assertEquals("<|endoftext|>", demo.bosToken());
    assertTrue(demo.chatTemplate().orElseThrow().contains("<|im_start|>"));
  }

  @Test
  void whatIsNotThereIsEmpty() {
    ModelSettings settings = read();

    assertEquals(Optional.empty(), settings.chatTemplate());
    assertEquals("", settings.bosToken());
    assertEquals(OptionalDouble.empty(), settings.temperature());
    assertEquals(OptionalInt.empty(), settings.topK());
  }

  @Test
  void endOfTextTokensOfBothConfigurationsCount() throws IOException {
    write("generation_config.json", "{\"eos_token_id\": [3, 4]}");

    assertEquals(Set.of(2, 3, 4), read().eosTokenIds());
  }

  @Test
  void samplingIsAsTheGenerationConfigRecommends() throws IOException {
    write("generation_config.json", "{\"temperature\": 0.7, \"top_k\": 20, \"top_p\": 0.8}");

    assertEquals(OptionalDouble.of(0.7), read().temperature());
    assertEquals(OptionalInt.of(20), read().topK());
    assertEquals(OptionalDouble.of(0.8), read().topP());
  }

  @Test
  void notSamplingMeansGreedy() throws IOException {
    write("generation_config.json", "{\"do_sample\": false, \"temperature\": 0.7}");

    assertEquals(OptionalDouble.of(0), read().temperature());
  }

  @Test
  void aTemplateInItsOwnFileWinsOverTheTokenizersConfig() throws IOException {
    write("tokenizer_config.json", "{\"chat_template\": \"old\"}");
    assertEquals("old", read().chatTemplate().orElseThrow());

    write("chat_template.jinja", "new");
    assertEquals("new", read().chatTemplate().orElseThrow());
  }

  @Test
  void ofSeveralTemplatesTheDefaultIsTaken() throws IOException {
    write(
        "tokenizer_config.json",
        """
        {"chat_template": [{"name": "tools", "template": "t"}, {"name": "default", "template": "d"}]}
        """);

    assertEquals("d", read().chatTemplate().orElseThrow());
  }

  @Test
  void aSpecialTokenIsATextOrAnObject() throws IOException {
    write(
        "tokenizer_config.json",
        "{\"bos_token\": {\"content\": \"<s>\", \"lstrip\": false}, \"eos_token\": \"</s>\"}");

    assertEquals("<s>", read().bosToken());
    assertEquals("</s>", read().eosToken());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "config.json            | {                              | config.json",
        "config.json            | []                             | config.json",
        "config.json            | {\"model_type\": 1}            | vocab_size",
        "config.json            | {\"vocab_size\": 0}            | vocab_size",
        "generation_config.json | {\"eos_token_id\": 100}        | eos_token_id",
        "generation_config.json | {\"eos_token_id\": \"x\"}      | eos_token_id",
        "generation_config.json | {\"temperature\": \"hot\"}     | temperature",
        "generation_config.json | {\"top_k\": 1.5}               | top_k",
        "tokenizer_config.json  | {\"chat_template\": 7}         | chat_template",
        "tokenizer_config.json  | {\"bos_token\": 7}             | bos_token",
      })
  void aMalformedFileIsRefusedByName(String file, String json, String named) throws IOException {
    write(file, json);

    ModelFormatException refused = assertThrows(ModelFormatException.class, this::read);
    assertTrue(refused.getMessage().contains(named), refused.getMessage());
  }

  private ModelSettings read() {
    return ModelSettings.read(new ModelDirectory("small", directory));
  }

  private void write(String file, String content) throws IOException {
    Files.writeString(directory.resolve(file), content);
  }
}
