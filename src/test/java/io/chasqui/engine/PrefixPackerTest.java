package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.DemoFiles;
import io.chasqui.LogLines;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import io.chasqui.pack.PrefixWriter;
import io.chasqui.pack.Progress;
import io.chasqui.sampling.SamplingParameters;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Engines on models that are packed with a system prompt: from the prompt's file to the answer. */
class PrefixPackerTest {
  private static final String FOX =
      "You are a friendly fox who tells short stories about animals. You know the capitals of many"
          + " countries and can count to nine.";
  private static final String LLAMA =
      "You are a llama named Rosa. You like small sums, and you answer in one short sentence.";
  private static final String STORY = "Tell me a story about a fox";

  /** 6 layers of 4 heads, each with a key and a value of 32 elements. */
  private static final long BYTES_OF_POSITION = 6 * 4 * 2 * 32 * 2;

  @TempDir static Path shared;

  private static Path plain;

  @TempDir Path directory;

  private final LogLines log = new LogLines(PackedDecoder.class);

  @AfterEach
  void closeLog() {
    log.close();
  }

  @BeforeAll
  static void pack() throws Exception {
    plain = shared.resolve("plain.chasqui");
    ModelPacker.pack(new EmbeddedModel(), plain, DType.Q8, Progress.NONE);
  }

  private Path packed(KvLayout.Type type, String... texts) throws Exception {
    List<SystemPrompt> prompts = new ArrayList<>();
    for (String text : texts) {
      Path file = directory.resolve("prompt" + prompts.size() + ".txt");
      prompts.add(SystemPrompt.read(Files.writeString(file, text + "\n")));
    }
    Path target = directory.resolve("with.chasqui");
    PrefixPacker.pack(plain, prompts, type, target, Progress.NONE);
    PackedModel.verify(target, Progress.NONE);
    return target;
  }

  private static Engine open(Path file, KvLayout.Type type) {
    return open(file, type, OptionalLong.empty());
  }

  private static Engine open(Path file, KvLayout.Type type, OptionalLong kvMemory) {
    return Engine.open(file.toString(), EngineOptions.DEFAULTS.withKv(type, kvMemory));
  }

  private static Collected answer(
      Engine engine, String system, String question, SamplingParameters sampling) throws Exception {
    int[] prompt =
        engine.promptFor(List.of(ChatMessage.system(system), ChatMessage.user(question)));
    GenerationRequest request =
        GenerationRequest.forPrompt(prompt).sampling(sampling).maxTokens(40).build();
    Collected answer = Collected.from(engine.submit(request));
    answer.finished();
    return answer;
  }

  private static int cached(Collected answer) throws Exception {
    return answer.finished().usage().cachedTokens();
  }

  private static Collected greedy(Engine engine, String system) throws Exception {
    return answer(engine, system, STORY, SamplingParameters.GREEDY);
  }

  /** Full blocks of what two conversations with a system message have in common. */
  private static int common(Engine engine, String system) {
    int[] one = engine.promptFor(List.of(ChatMessage.system(system), ChatMessage.user("Why?")));
    int[] two = engine.promptFor(List.of(ChatMessage.system(system), ChatMessage.user("3 + 4")));
    return Arrays.mismatch(one, two) / 16 * 16;
  }

  @ParameterizedTest
  @EnumSource
  void theFirstRequestHasThePrefixAndTheAnswerIsTheSame(KvLayout.Type type) throws Exception {
    Path packed = packed(type, FOX, LLAMA);
    for (String system : List.of(FOX, LLAMA)) {
      for (SamplingParameters sampling :
          List.of(SamplingParameters.GREEDY, new SamplingParameters(1, 0, 1, 7))) {
        // Engines of their own: each request is the first.
        try (Engine with = open(packed, type);
            Engine without = open(plain, type)) {
          Collected first = answer(with, system, STORY, sampling);
          Collected expected = answer(without, system, STORY, sampling);

          assertEquals(common(with, system), cached(first));
          assertTrue(cached(first) >= 32, cached(first) + " tokens");
          assertEquals(0, cached(expected));
          assertArrayEquals(expected.ids(), first.ids());
          assertTrue(first.ids().length > 3, first.text());
        }
      }
    }
  }

  @Test
  void anotherSystemMessageFindsNothing() throws Exception {
    try (Engine engine = open(packed(KvLayout.Type.F16, FOX), KvLayout.Type.F16)) {
      assertEquals(0, cached(greedy(engine, LLAMA)));
    }
  }

  @Test
  void whatWasEvictedIsFoundAgain() throws Exception {
    OptionalLong memory = OptionalLong.of(512 * BYTES_OF_POSITION);
    try (Engine engine = open(packed(KvLayout.Type.F16, FOX), KvLayout.Type.F16, memory)) {
      Collected first = greedy(engine, FOX);
      for (int seed = 0; seed < 3; seed++) {
        // One that takes every block.
        int[] filling = new int[505];
        Arrays.fill(filling, 100 + seed);
        GenerationRequest request = GenerationRequest.forPrompt(filling).maxTokens(6).build();
        Collected.from(engine.submit(request)).finished();

        Collected again = greedy(engine, FOX);

        assertEquals(cached(first), cached(again));
        assertEquals(first.tokens(), again.tokens());
      }
    }
  }

  @Test
  void answersThatTakeEachOthersMemoryAreTheSame() throws Exception {
    OptionalLong memory = OptionalLong.of(512 * BYTES_OF_POSITION);
    Path packed = packed(KvLayout.Type.F16, FOX, LLAMA);
    try (Engine tight = open(packed, KvLayout.Type.F16, memory);
        Engine without = open(plain, KvLayout.Type.F16)) {
      List<Collected> answers = new ArrayList<>();
      List<Collected> expected = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        String system = i % 2 == 0 ? FOX : LLAMA;
        int[] prompt =
            tight.promptFor(List.of(ChatMessage.system(system), ChatMessage.user(STORY)));
        GenerationRequest request =
            GenerationRequest.forPrompt(prompt)
                .sampling(new SamplingParameters(1, 0, 1, i))
                .maxTokens(100)
                .build();
        answers.add(Collected.from(tight.submit(request)));
        expected.add(Collected.from(without.submit(request)));
      }
      for (int i = 0; i < 12; i++) {
        expected.get(i).finished();
        answers.get(i).finished();
        assertArrayEquals(expected.get(i).ids(), answers.get(i).ids(), "answer " + i);
      }
    }
  }

  @Test
  void anEngineWithAShorterContextThanThePrefixTakesWhatItCan() throws Exception {
    Path packed = packed(KvLayout.Type.F16, FOX);
    var options = EngineOptions.DEFAULTS.withMaxContext(40);
    try (Engine shorter = Engine.open(packed.toString(), options)) {
      int[] prompt = shorter.promptFor(List.of(ChatMessage.system(FOX), ChatMessage.user("Hi")));
      GenerationRequest request =
          GenerationRequest.forPrompt(Arrays.copyOf(prompt, 36)).maxTokens(2).build();
      assertEquals(32, cached(Collected.from(shorter.submit(request))));
    }
  }

  @ParameterizedTest
  @EnumSource
  void aPrefixOfAnotherTypeIsIgnoredAndTheLogTellsWhatToDo(KvLayout.Type type) throws Exception {
    Path packed = packed(type, FOX);
    KvLayout.Type other = type == KvLayout.Type.F16 ? KvLayout.Type.I8 : KvLayout.Type.F16;
    try (Engine engine = open(packed, other);
        Engine without = open(plain, other)) {
      Collected first = greedy(engine, FOX);

      assertEquals(0, cached(first));
      assertArrayEquals(greedy(without, FOX).ids(), first.ids());
      assertEquals(1, log.at(Level.WARNING).size());
      String warning = log.at(Level.WARNING).getFirst();
      String cure =
          "Pack it with --prefix-kv %s, or set chasqui.kv-cache.dtype to %s"
              .formatted(
                  other == KvLayout.Type.I8 ? "i8" : "f16",
                  type == KvLayout.Type.I8 ? "i8" : "f16");
      assertTrue(warning.contains(cure), warning);
    }
  }

  /** What a hostile file can have: infinities, and what is not a number, in every place. */
  @ParameterizedTest
  @ValueSource(
      ints = {0x7C00_7C00, 0xFC00_7C00, 0x7E00_7E00, 0xFFFF_FFFF, 0x7F80_0000, 0x7FC0_7F81})
  void whateverThePrefixHoldsTheEngineAnswers(int bits) throws Exception {
    for (KvLayout.Type type : KvLayout.Type.values()) {
      Path packed = packed(type, FOX);
      try (PackedModel model = PackedModel.open(packed)) {
        PackedPrefix honest = model.prefixes().getFirst();
        ByteBuffer hostile =
            ByteBuffer.allocate((int) honest.blocks().byteSize()).order(ByteOrder.LITTLE_ENDIAN);
        while (hostile.hasRemaining()) {
          hostile.putInt(bits);
        }
        var prefix =
            new PackedPrefix(honest.tokens(), type, MemorySegment.ofBuffer(hostile.flip()));
        PrefixWriter.write(packed, List.of(prefix), packed, Progress.NONE);
      }
      try (Engine engine = open(packed, type);
          Engine without = open(plain, type)) {
        for (long seed = 0; seed < 2; seed++) {
          var sampling = new SamplingParameters(seed, 0, 1, seed);
          Collected garbage = answer(engine, FOX, STORY, sampling);
          assertTrue(cached(garbage) > 0);
          assertTrue(garbage.ids().length > 0);
          assertArrayEquals(
              answer(without, LLAMA, STORY, sampling).ids(),
              answer(engine, LLAMA, STORY, sampling).ids(),
              "another's answer");
        }
      }
    }
  }

  @Test
  void aModelWithoutATemplateHasThePrefixOfTheText() throws Exception {
    ModelDirectory source = DemoFiles.copyTo(directory.resolve("base"));
    DemoFiles.edit(source, "tokenizer_config.json", "\"chat_template\"", "\"no_template\"");
    Path file = directory.resolve("base.chasqui");
    ModelPacker.pack(source, file, DType.Q8, Progress.NONE);
    PrefixPacker.pack(
        file, List.of(new SystemPrompt("fox", FOX)), KvLayout.Type.F16, file, Progress.NONE);
    try (Engine engine = open(file, KvLayout.Type.F16)) {
      assertTrue(engine.chatTemplate().isEmpty());
      int[] prompt = engine.tokenizer().encode(FOX + " Once upon a time", true);
      GenerationRequest request = GenerationRequest.forPrompt(prompt).maxTokens(2).build();
      int whole = engine.tokenizer().encode(FOX, true).length;
      assertEquals((whole - 1) / 16 * 16, cached(Collected.from(engine.submit(request))), 16);
    }
  }

  @Test
  void packingAgainReplacesThePrefixes() throws Exception {
    Path packed = packed(KvLayout.Type.F16, FOX, LLAMA);
    PrefixPacker.pack(
        packed, List.of(new SystemPrompt("l", LLAMA)), KvLayout.Type.I8, packed, Progress.NONE);

    try (PackedModel model = PackedModel.open(packed)) {
      assertEquals(1, model.prefixes().size());
      assertEquals(KvLayout.Type.I8, model.prefixes().getFirst().type());
    }
  }

  @Test
  void aPromptThatIsTooShortOrTooLongIsRefused() {
    Path target = directory.resolve("none.chasqui");
    var tooShort = refused(new SystemPrompt("short.txt", "Hi"), target);
    assertTrue(tooShort.contains("short.txt is too short"), tooShort);
    assertTrue(tooShort.contains("16 are stored together"), tooShort);

    var tooLong = refused(new SystemPrompt("long.txt", "a fox ".repeat(400)), target);
    assertTrue(tooLong.contains("long.txt is too long"), tooLong);
    assertTrue(tooLong.contains("context of 512"), tooLong);

    assertFalse(Files.exists(target));
  }

  private static String refused(SystemPrompt prompt, Path target) {
    return assertThrows(
            IllegalArgumentException.class,
            () ->
                PrefixPacker.pack(plain, List.of(prompt), KvLayout.Type.F16, target, Progress.NONE))
        .getMessage();
  }

  @Test
  void aTemplateThatWritesTheDateIsWarnedOf() throws Exception {
    ModelDirectory source = DemoFiles.copyTo(directory.resolve("dated"));
    DemoFiles.edit(
        source,
        "tokenizer_config.json",
        "\\{% for message in messages %\\}",
        "{{ strftime_now('%d %b %Y') }}{% for message in messages %}");
    Path file = directory.resolve("dated.chasqui");
    ModelPacker.pack(source, file, DType.Q8, Progress.NONE);

    List<String> notes =
        PrefixPacker.pack(
            file, List.of(new SystemPrompt("fox", FOX)), KvLayout.Type.F16, file, Progress.NONE);

    assertEquals(2, notes.size());
    assertTrue(notes.getFirst().matches("32 of \\d+ tokens of fox are packed"), notes.getFirst());
    assertTrue(notes.getLast().contains("of use today only"), notes.getLast());
  }
}
