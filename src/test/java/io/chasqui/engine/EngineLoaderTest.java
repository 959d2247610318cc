package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.DemoFiles;
import io.chasqui.LogLines;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.DType;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelFormatException;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedCache;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import io.chasqui.pack.UnknownFamilyException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which decoder runs which model. */
@Timeout(120)
class EngineLoaderTest {
  private static final String QUESTION = "What is the capital of Japan?";

  @TempDir Path directory;

  private final LogLines log = new LogLines(EngineLoader.class);

  private Path cache;
  private boolean verifies;

  @BeforeEach
  void prepare() {
    cache = directory.resolve("cache");
  }

  @AfterEach
  void close() {
    log.close();
  }

  @Test
  void theBuiltInModelIsServedWithoutACache() throws Exception {
    try (Engine engine = open("demo")) {
      assertEquals("demo", engine.model().name());
      assertTrue(answer(engine).contains("Tokyo"));
    }
    assertFalse(Files.exists(cache));
  }

  @Test
  void aDirectoryIsPackedAndAnswersAsTheBuiltInModel() throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("copy"));
    try (Engine engine = open(model.directory().toString());
        Engine demo = open("demo")) {
      assertEquals("copy", engine.model().name());
      assertEquals(answer(demo), answer(engine));
    }
    assertEquals(1, packedFiles());
    assertEquals(List.of(), log.at(Level.WARNING));
  }

  @Test
  void aPackedFileIsServedAsItIs() throws Exception {
    Path file = directory.resolve("own.chasqui");
    ModelPacker.pack(DemoFiles.copyTo(directory.resolve("own")), file, DType.Q4, Progress.NONE);

    try (Engine engine = open(file.toString())) {
      assertEquals("own", engine.model().name());
    }
    assertFalse(Files.exists(cache));
  }

  @Test
  void aDamagedFileIsRefusedWhereItIsVerified() throws Exception {
    Path file = directory.resolve("own.chasqui");
    ModelPacker.pack(DemoFiles.copyTo(directory.resolve("own")), file, DType.Q8, Progress.NONE);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);

    open(file.toString()).close();
    verifies = true;
    var refusal = assertThrows(ModelFormatException.class, () -> open(file.toString()));
    assertEquals("weights", refusal.section());
    open("demo").close();
  }

  @ParameterizedTest
  @CsvSource({
    "'\"model_type\": \"llama\"', '\"model_type\": \"gemma\"', 'family \"gemma\"'",
  })
  void whatOurDecoderLacksRunsOnJlamaWithAWarning(String from, String to, String named)
      throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("other"));
    DemoFiles.edit(model, "config.json", from, to);
    // Jlama's Gemma reads one id only.
    DemoFiles.edit(model, "config.json", "(?s)\"eos_token_id\": \\[.*?]", "\"eos_token_id\": 2047");

    try (Engine engine = open(model.directory().toString())) {
      assertEquals("other", engine.model().name());
      assertFalse(answer(engine).isEmpty());
    }

    assertEquals(1, log.at(Level.WARNING).size());
    String warning = log.at(Level.WARNING).getFirst();
    assertTrue(warning.contains("Model other runs on Jlama"), warning);
    assertTrue(warning.contains(named), warning);
    assertFalse(Files.exists(cache));
  }

  @ParameterizedTest
  @CsvSource({
    "'\"rope_scaling\": null', '\"rope_scaling\": {\"type\": \"odd\"}'",
    "'\"num_attention_heads\": 8', '\"num_attention_heads\": \"eight\"'",
    "'\"rms_norm_eps\": [-0-9.e]+', '\"rms_norm_eps\": -1'",
    "'\"intermediate_size\": 704', '\"intermediate_size\": 736'",
    "'\"model_type\": \"llama\"', '\"model_type\": 5'",
    "'\"model_type\": \"llama\",', ''",
  })
  void aKnownFamilyWithAConfigurationThatCannotBeObeyedIsAnError(String from, String to)
      throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("broken"));
    DemoFiles.edit(model, "config.json", from, to);

    var refusal =
        assertThrows(ModelFormatException.class, () -> open(model.directory().toString()));

    assertNotEquals(UnknownFamilyException.class, refusal.getClass());
    assertEquals(List.of(), log.at(Level.WARNING));
  }

  @Test
  void aFamilyThatNobodyKnowsIsAnError() throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("unknown"));
    DemoFiles.edit(model, "config.json", "\"model_type\": \"llama\"", "\"model_type\": \"rwkv\"");

    var refusal =
        assertThrows(ModelFormatException.class, () -> open(model.directory().toString()));

    assertTrue(refusal.getMessage().contains("model_type"), refusal.getMessage());
    assertTrue(log.at(Level.WARNING).getFirst().contains("\"rwkv\""));
  }

  @Test
  void whereNothingCanBeWrittenTheErrorSaysWhatToDo() throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("copy"));
    Files.writeString(cache, "a file where the cache should be");

    var refusal =
        assertThrows(UncheckedIOException.class, () -> open(model.directory().toString()));

    assertTrue(refusal.getMessage().contains("`chasqui pack`"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("XDG_CACHE_HOME"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains(cache.toString()), refusal.getMessage());
  }

  private Engine open(String model) {
    return new EngineLoader(new PackedCache(cache, Progress.NONE), EngineOptions.DEFAULTS, verifies)
        .open(model);
  }

  private long packedFiles() throws IOException {
    try (Stream<Path> files = Files.list(cache.resolve("packed"))) {
      return files.filter(file -> file.toString().endsWith(PackedModel.SUFFIX)).count();
    }
  }

  private static String answer(Engine engine) throws Exception {
    int[] prompt = engine.promptFor(List.of(ChatMessage.user(QUESTION)));
    Collected answer =
        Collected.from(engine.submit(GenerationRequest.forPrompt(prompt).maxTokens(30).build()));
    answer.finished();
    return answer.text();
  }
}
