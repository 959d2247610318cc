package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.langchain4j.model.jlama.JlamaChatModel;
import io.chasqui.Await;
import io.chasqui.DemoFiles;
import io.chasqui.chat.ChatMessage;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelFormatException;
import io.chasqui.sampling.SamplingParameters;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The engine on Jlama, which runs what our own decoder does not know. */
@Timeout(120)
class JlamaEngineTest {
  private static final String QUESTION = "What is the capital of Japan?";
  private static final String STORY = "Tell me a story about a fox";

  private static Engine engine;

  @TempDir static Path shared;

  @TempDir Path directory;

  @BeforeAll
  static void open() throws IOException {
    engine = open(DemoFiles.copyTo(shared.resolve("demo")));
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {QUESTION, "Count from 3 to 9.", "What is the opposite of hot?", STORY})
  void greedyAnswersAreThoseOfJlamaBehindLangChain4j(String question) throws Exception {
    // Where Jlama looks for a model without an owner that it has downloaded.
    Path model = DemoFiles.copyTo(directory.resolve("na_demo")).directory();
    Files.createFile(model.resolve(".finished"));
    var jlama =
        JlamaChatModel.builder()
            .modelCachePath(model.getParent())
            .modelName("demo")
            .temperature(0f)
            .build();

    String expected = jlama.chat(question);

    assertEquals(expected, answer(engine, question));
    assertTrue(expected.length() > 5, expected);
  }

  @Test
  void severalChoicesAreComputedOneAfterAnother() throws Exception {
    int[] prompt = engine.promptFor(List.of(ChatMessage.user(STORY)));
    var request =
        GenerationRequest.forPrompt(prompt)
            .sampling(new SamplingParameters(1, 0, 1, 9))
            .maxTokens(12);
    var alone = Collected.from(engine.submit(request.build()));
    alone.finished();
    var three = Collected.from(engine.submit(request.choices(3).build()));

    assertEquals(36, three.finished().usage().completionTokens());
    assertEquals(alone.tokens(), three.tokens(0));
    assertNotEquals(three.text(1), three.text(2));
  }

  @Test
  void itsKernelsAreJlamas() {
    assertEquals("jlama", engine.model().kernels());
  }

  @Test
  void nothingIsLeftInTheTemporaryDirectory() throws Exception {
    Path temporary = Path.of(System.getProperty("java.io.tmpdir"));
    Set<String> before = jlamaFiles(temporary);

    try (Engine own = open(DemoFiles.copyTo(directory.resolve("own")))) {
      answer(own, STORY);

      assertEquals(before, jlamaFiles(temporary));
    }
    assertEquals(before, jlamaFiles(temporary));
  }

  @Test
  void memoryStaysFlatOverManyRequests() throws Exception {
    for (int i = 0; i < 100; i++) {
      fourTokens();
    }
    long before = memoryOutsideTheHeap();
    assertTrue(before > 9_000_000, "the weights are not seen: the measure is wrong");
    for (int i = 0; i < 300; i++) {
      fourTokens();
    }

    // A sequence's KV memory is above 100 kB: 300 that are kept would be 30 MB and more.
    Await.until(
        "what 300 requests took outside the heap is given back",
        () -> memoryOutsideTheHeap() - before < 8_000_000);
  }

  @ParameterizedTest
  @CsvSource({
    "'\"hidden_size\": 256', '\"hidden_size\": 512', [512]",
    "'\"hidden_size\": 256', '\"hidden_size\": 128', [128]",
    "'\"intermediate_size\": 704', '\"intermediate_size\": 1408', 1408",
    "'\"num_key_value_heads\": 4', '\"num_key_value_heads\": 8', '[256, 256]'",
    "'\"vocab_size\": 2048', '\"vocab_size\": 4096', 4096",
    "'\"num_hidden_layers\": 6', '\"num_hidden_layers\": 7', model.layers.6",
    "'\"num_hidden_layers\": 6', '\"num_hidden_layers\": 5', model.layers.5",
  })
  void weightsThatDoNotFitTheirConfigurationAreRefused(String from, String to, String named)
      throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("unfit"));
    DemoFiles.edit(model, "config.json", from, to);

    var refusal = assertThrows(ModelFormatException.class, () -> open(model).close());

    assertTrue(refusal.getMessage().contains("config.json"), refusal.getMessage());
    assertTrue(
        refusal.getMessage().contains(named.replace("[", "").replace("]", "")),
        refusal.getMessage());
    assertFalse(refusal.getMessage().contains("Exception"), refusal.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"bert", "t5", "", "LLAMA 3"})
  void aFamilyThatCannotGenerateIsRefusedByName(String type) throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("unknown"));
    DemoFiles.edit(
        model, "config.json", "\"model_type\": \"llama\"", "\"model_type\": \"" + type + "\"");

    var refusal = assertThrows(ModelFormatException.class, () -> open(model).close());

    assertTrue(refusal.getMessage().contains("model_type"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains("qwen2"), refusal.getMessage());
  }

  @Test
  void truncatedWeightsAreRefused() throws Exception {
    ModelDirectory model = DemoFiles.copyTo(directory.resolve("truncated"));
    Path weights = model.directory().resolve("model.safetensors");
    try (var file = FileChannel.open(weights, StandardOpenOption.WRITE)) {
      file.truncate(Files.size(weights) - 1_000);
    }

    var refusal = assertThrows(ModelFormatException.class, () -> open(model).close());

    assertEquals("model.safetensors", refusal.file());
  }

  private static Engine open(ModelDirectory model) {
    return LocalEngine.open(model, EngineOptions.DEFAULTS);
  }

  private static String answer(Engine engine, String question) throws Exception {
    var answer = Collected.from(engine.submit(request(engine, question).build()));
    answer.finished();
    return answer.text();
  }

  private static void fourTokens() throws Exception {
    Collected.from(engine.submit(request(engine, QUESTION).maxTokens(4).build())).finished();
  }

  private static GenerationRequest.Builder request(Engine engine, String question) {
    return GenerationRequest.forPrompt(engine.promptFor(List.of(ChatMessage.user(question))));
  }

  private static long memoryOutsideTheHeap() {
    System.gc();
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .mapToLong(BufferPoolMXBean::getMemoryUsed)
        .sum();
  }

  private static Set<String> jlamaFiles(Path temporary) throws IOException {
    try (var files = Files.list(temporary)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.contains("jlama") || name.endsWith(".page"))
          .collect(Collectors.toSet());
    }
  }
}
