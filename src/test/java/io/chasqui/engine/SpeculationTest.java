package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.DemoFiles;
import io.chasqui.UnseenText;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.sampling.SamplingParameters;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Speculation changes the speed and nothing else. */
@Timeout(120)
class SpeculationTest {
  private static final int CONTEXT = 512;

  @TempDir static Path directory;

  private static Engine engine;

  /** A conversation that asks for a story once more: the model tells it again, word by word. */
  private static int[] encore;

  @BeforeAll
  static void open() throws Exception {
    engine = Engine.open("demo");
    var question = ChatMessage.user("Tell me a story about a fox");
    var once = GenerationRequest.forPrompt(engine.promptFor(List.of(question)));
    String story = run(once, Speculation.OFF).text();
    encore = engine.promptFor(List.of(question, ChatMessage.assistant(story), question));
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void aTextThatIsCopiedTakesAFractionOfThePasses() throws Exception {
    var request = GenerationRequest.forPrompt(encore);

    Usage usage = assertUnchanged(engine, request).finished().usage();

    assertTrue(usage.completionTokens() > 80, usage.toString());
    // Each pass gives one token more than it accepts.
    int passes = usage.completionTokens() - usage.acceptedTokens();
    assertTrue(4 * passes < usage.completionTokens(), usage.toString());
  }

  @Test
  void answersAreTheSameWhateverIsAskedFor() throws Exception {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    List<UnseenText> texts = UnseenText.documents(60);
    for (int i = 0; i < 60; i++) {
      int[] text = texts.get(random.nextInt(texts.size())).ids();
      int[] prompt = Arrays.copyOf(text, random.nextInt(1, Math.min(text.length, 200)));
      var sampling =
          new SamplingParameters(
              random.nextInt(3) * random.nextDouble(),
              random.nextInt(3) * 10,
              1 - random.nextDouble() * random.nextInt(2),
              random.nextLong());
      var request =
          GenerationRequest.forPrompt(prompt).sampling(sampling).maxTokens(random.nextInt(1, 60));
      if (random.nextBoolean()) {
        request.stop(List.of(pieceOf(text, random), pieceOf(text, random)));
      }
      try {
        assertUnchanged(engine, request);
      } catch (AssertionError e) {
        throw new AssertionError("seed %d, request %d".formatted(seed, i), e);
      }
    }
  }

  @Test
  void aSampledCopyIsTheSame() throws Exception {
    for (int i = 0; i < 6; i++) {
      var sampling = new SamplingParameters(0.3 * i, 0, 0.9, i);
      assertUnchanged(engine, GenerationRequest.forPrompt(encore).sampling(sampling));
    }
  }

  /** Whichever token of a draft it is that completes the stop sequence. */
  @Test
  void aCopyEndsBeforeAnyStopSequence() throws Exception {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    for (int i = 0; i < 30; i++) {
      String stop = pieceOf(encore, random);
      try {
        assertUnchanged(engine, GenerationRequest.forPrompt(encore).stop(List.of(stop)));
      } catch (AssertionError e) {
        throw new AssertionError("seed %d, stop '%s'".formatted(seed, stop), e);
      }
    }
  }

  /** A few characters of a text, which may begin and end inside of tokens. */
  private static String pieceOf(int[] ids, Random random) {
    String text = engine.tokenizer().decode(ids, true);
    int from = random.nextInt(text.length() - 1);
    String piece = text.substring(from, Math.min(text.length(), from + random.nextInt(1, 7)));
    return piece.chars().anyMatch(c -> Character.isSurrogate((char) c)) ? "." : piece;
  }

  @Test
  void everyLimitIsExact() throws Exception {
    for (int limit = 1; limit <= 25; limit++) {
      var request = GenerationRequest.forPrompt(encore).maxTokens(limit);
      assertEquals(limit, assertUnchanged(engine, request).tokens().size());
    }
  }

  @Test
  void anAnswerEndsWhereTheContextEnds() throws Exception {
    int context = encore.length + 20;
    int[] answer = run(GenerationRequest.forPrompt(encore), Speculation.OFF).ids();
    try (Engine small = Engine.open("demo", options(context, Speculation.OFF))) {
      for (int length = encore.length; length < context; length++) {
        int[] prompt = Arrays.copyOf(encore, length);
        System.arraycopy(answer, 0, prompt, encore.length, length - encore.length);
        var request = GenerationRequest.forPrompt(prompt);

        var end = assertUnchanged(small, request).finished();

        assertEquals(FinishReason.LENGTH, end.reason());
        assertEquals(context - length, end.usage().completionTokens());
      }
    }
  }

  @Test
  void theListenerHearsOfEveryTokenAndEveryDraft() throws Exception {
    var tokens = new AtomicInteger();
    var drafts = new AtomicInteger();
    var drafted = new AtomicInteger();
    var accepted = new AtomicInteger();
    var listener =
        new EngineListener() {
          @Override
          public void firstToken(Duration sinceSubmission) {
            tokens.incrementAndGet();
          }

          @Override
          public void nextToken(Duration sincePrevious) {
            tokens.incrementAndGet();
          }

          @Override
          public void verified(int guesses, int right) {
            drafts.incrementAndGet();
            drafted.addAndGet(guesses);
            accepted.addAndGet(right);
          }
        };
    var options = options(CONTEXT, Speculation.OFF).withListener(listener);
    try (Engine own = Engine.open("demo", options)) {
      var request = GenerationRequest.forPrompt(encore).maxTokens(50);
      run(own, request, Speculation.OFF);
      assertEquals(50, tokens.get());
      assertEquals(0, drafts.get());

      Usage usage = run(own, request, Speculation.PROMPT_LOOKUP).finished().usage();

      assertEquals(100, tokens.get());
      assertEquals(usage.draftedTokens(), drafted.get());
      assertEquals(usage.acceptedTokens(), accepted.get());
      assertEquals(usage.draftedTokens() - usage.acceptedTokens(), usage.rejectedTokens());
      assertTrue(drafts.get() > 0 && drafts.get() < drafted.get(), usage.toString());
    }
  }

  @Test
  void theEnginesOptionIsForRequestsThatDoNotSay() throws Exception {
    var request = GenerationRequest.forPrompt(encore).maxTokens(50);
    var unsaid = request.build();
    var off = request.speculation(Speculation.OFF).build();
    try (Engine on = Engine.open("demo", options(CONTEXT, Speculation.PROMPT_LOOKUP))) {
      assertTrue(answer(on, unsaid).finished().usage().acceptedTokens() > 0);
      assertEquals(0, answer(on, off).finished().usage().draftedTokens());
      assertEquals(0, answer(engine, unsaid).finished().usage().draftedTokens());
    }
  }

  @Test
  void cancellingInTheMiddleOfADraftEndsWithinOneFurtherToken() throws Exception {
    var request =
        GenerationRequest.forPrompt(encore).speculation(Speculation.PROMPT_LOOKUP).build();
    var blocker = new Blocker();
    EngineOptions held = options(CONTEXT, Speculation.OFF).withListener(blocker);
    try (Engine own = Engine.open("demo", held);
        blocker) {
      blocker.block(own, GenerationRequest.forPrompt(encore).build());
      var generation = own.submit(request);
      var answer =
          Collected.from(
              generation,
              Long.MAX_VALUE,
              token -> {
                if (token.index() == 30) {
                  generation.cancel();
                }
              });
      blocker.close(); // not before there is a reader, so that no token is computed ahead of it

      assertEquals(FinishReason.CANCELLED, answer.finished().reason());
      assertTrue(answer.tokens().size() <= 32, answer.tokens().size() + " tokens");
      assertEquals(answer.tokens().size(), answer.finished().usage().completionTokens());
      Await.until("the engine is idle", () -> own.running() == 0);
    }
  }

  @Test
  void aModelOnJlamaRefusesARequestForIt() throws Exception {
    try (Engine jlama = jlama(Speculation.OFF)) {
      var request =
          GenerationRequest.forPrompt(1, 2).speculation(Speculation.PROMPT_LOOKUP).build();

      var refusal = assertThrows(AdmissionException.class, () -> jlama.submit(request));

      assertEquals(400, refusal.status());
      assertEquals("speculation", refusal.parameter().orElseThrow());
      assertTrue(refusal.getMessage().contains("chasqui pack"), refusal.getMessage());
    }
  }

  @Test
  void aModelOnJlamaAnswersWithoutItWhereOnlyTheOptionAsksForIt() throws Exception {
    try (Engine jlama = jlama(Speculation.PROMPT_LOOKUP)) {
      int[] prompt = jlama.promptFor(List.of(ChatMessage.user("Count from 3 to 9.")));
      var request = GenerationRequest.forPrompt(prompt);

      var unsaid = answer(jlama, request.build());
      var off = run(jlama, request, Speculation.OFF);

      assertEquals(FinishReason.STOP, unsaid.finished().reason());
      assertEquals(0, unsaid.finished().usage().draftedTokens());
      assertEquals(off.tokens(), unsaid.tokens());
    }
  }

  private static Engine jlama(Speculation speculation) throws IOException {
    ModelDirectory demo = DemoFiles.copyTo(directory.resolve("demo"));
    return LocalEngine.open(demo, options(CONTEXT, speculation));
  }

  private static EngineOptions options(int context, Speculation speculation) {
    return new EngineOptions(
        context,
        KvLayout.Type.F16,
        OptionalLong.empty(),
        OptionalInt.of(1),
        1,
        Duration.ofSeconds(30),
        speculation,
        new EngineListener() {});
  }

  /** Runs a request with and without; all but the time must be the same. */
  private static Collected assertUnchanged(Engine engine, GenerationRequest.Builder request)
      throws Exception {
    var without = run(engine, request, Speculation.OFF);
    var with = run(engine, request, Speculation.PROMPT_LOOKUP);

    assertEquals(without.tokens(), with.tokens());
    assertEquals(without.finished().reason(), with.finished().reason());
    Usage usage = with.finished().usage();
    assertEquals(without.finished().usage().completionTokens(), usage.completionTokens());
    assertTrue(usage.acceptedTokens() <= usage.draftedTokens(), usage.toString());
    assertTrue(usage.acceptedTokens() < usage.completionTokens(), usage.toString());
    return with;
  }

  private static Collected run(GenerationRequest.Builder request, Speculation speculation)
      throws Exception {
    return run(engine, request, speculation);
  }

  private static Collected run(
      Engine engine, GenerationRequest.Builder request, Speculation speculation) throws Exception {
    return answer(engine, request.speculation(speculation).build());
  }

  private static Collected answer(Engine engine, GenerationRequest request) throws Exception {
    var answer = Collected.from(engine.submit(request));
    answer.finished();
    return answer;
  }
}
