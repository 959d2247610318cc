package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.DemoFiles;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.Progress;
import io.chasqui.sampling.SamplingParameters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(120)
class LocalEngineTest {
  private static final String QUESTION = "What is the capital of Japan?";
  private static final String STORY = "Tell me a story about a fox";

  private static Engine engine;

  /** The demo without a token that ends an answer: only limits and cancellation do. */
  private static Path endless;

  @TempDir static Path shared;

  @TempDir Path directory;

  @BeforeAll
  static void open() throws Exception {
    engine = Engine.open("demo");
    ModelDirectory source = DemoFiles.copyTo(shared.resolve("endless"));
    // Byte 0x00, which no answer has, instead of the tokens that end one.
    int never = engine.tokenizer().encodeOrdinary("\0")[0];
    DemoFiles.edit(source, "config.json", "(?s)(\"eos_token_id\": )\\[.*?\\]", "$1" + never);
    endless = shared.resolve("endless.chasqui");
    ModelPacker.pack(source, endless, DType.Q8, Progress.NONE);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void theModelTellsWhatItIs() {
    ModelInfo model = engine.model();

    assertEquals("demo", model.name());
    assertEquals("llama", model.architecture());
    assertEquals(512, model.contextLength());
    assertEquals(2048, model.vocabularySize());
    assertEquals(new SamplingParameters(1, 0, 1, 0), model.recommended());
  }

  @ParameterizedTest
  @CsvSource({
    "What is the capital of Japan?, Tokyo",
    "Count from 3 to 9., '3, 4, 5, 6, 7, 8, 9'",
    "你好, 你好",
    "Show me an emoji for a llama., 🦙",
  })
  void greedyAnswersAreRightAndEndByThemselves(String question, String part) throws Exception {
    var answer = Collected.from(engine.submit(greedy(question)));

    assertEquals(FinishReason.STOP, answer.finished().reason());
    assertTrue(answer.text().contains(part), answer.text());
    assertFalse(answer.text().contains("<|"), answer.text());
  }

  @Test
  void aGreedyAnswerIsTheSameEveryTime() throws Exception {
    var first = Collected.from(engine.submit(greedy(STORY)));
    first.finished();
    var second = Collected.from(engine.submit(greedy(STORY)));
    second.finished();

    assertEquals(first.tokens(), second.tokens());
    assertTrue(first.tokens().size() > 20, first.text());
  }

  @Test
  void theSeedDecidesTheText() throws Exception {
    String one = sampled(1).text();

    assertEquals(one, sampled(1).text());
    assertNotEquals(one, sampled(2).text());
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 20})
  void maxTokensIsExact(int maxTokens) throws Exception {
    var answer = Collected.from(engine.submit(request(STORY).maxTokens(maxTokens).build()));

    assertEquals(FinishReason.LENGTH, answer.finished().reason());
    assertEquals(maxTokens, answer.tokens().size());
    assertEquals(maxTokens, answer.finished().usage().completionTokens());
  }

  @Test
  void tokensAreNumberedAndCounted() throws Exception {
    var answer = Collected.from(engine.submit(greedy(QUESTION)));
    Usage usage = answer.finished().usage();

    int count = answer.tokens().size();
    assertArrayEquals(
        IntStream.range(0, count).toArray(),
        answer.tokens().stream().mapToInt(GenerationEvent.Token::index).toArray());
    assertEquals(prompt(QUESTION).length, usage.promptTokens());
    assertEquals(count, usage.completionTokens());
    assertEquals(usage.promptTokens() + count, usage.totalTokens());
    Timings timings = answer.finished().timings();
    assertTrue(timings.prefill().isPositive() && timings.decode().isPositive(), timings.toString());
    assertFalse(timings.queue().isNegative(), timings.toString());
    assertTrue(timings.sampling().isPositive(), timings.toString());
    assertTrue(
        timings.sampling().compareTo(timings.prefill().plus(timings.decode())) < 0,
        timings.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {QUESTION, "你好", "Show me an emoji for a llama.", STORY})
  void theTextsOfTheTokensAreTheDecodedIds(String question) throws Exception {
    var answer = Collected.from(engine.submit(greedy(question)));
    answer.finished();

    assertEquals(engine.tokenizer().decode(answer.ids(), true), answer.text());
    assertTrue(engine.tokenizer().isSpecial(answer.tokens().getLast().id()));
    assertEquals("", answer.tokens().getLast().text());
  }

  @Test
  void anAnswerEndsBeforeAStopSequenceThatSpansTokens() throws Exception {
    var whole = Collected.from(engine.submit(greedy(STORY)));
    whole.finished();
    // From inside one token into the next but one: no border of tokens is a border of it.
    String text = whole.text();
    int border = 0;
    for (var token : whole.tokens().subList(0, 12)) {
      border += token.text().length();
    }
    String stop = text.substring(border - 1, border + 5);
    int at = text.indexOf(stop);

    var cut = Collected.from(engine.submit(request(STORY).stop(List.of(stop)).build()));

    assertEquals(FinishReason.STOP, cut.finished().reason());
    assertEquals(text.substring(0, at), cut.text());
    assertTrue(cut.tokens().size() < whole.tokens().size());
  }

  @Test
  void anEmptyStopSequenceIsRefusedBeforeAnythingRuns() {
    var builder = request(QUESTION);
    var stop = List.of("a", "");

    assertThrows(IllegalArgumentException.class, () -> builder.stop(stop));
  }

  @Test
  void cancellingInTheMiddleEndsWithinOneFurtherToken() throws Exception {
    var blocker = new Blocker();
    try (Engine own = engine(4, Duration.ofSeconds(30), blocker);
        blocker) {
      blocker.block(own, endlessStory());
      var generation = own.submit(endlessStory());
      var answer =
          Collected.from(
              generation,
              Long.MAX_VALUE,
              token -> {
                if (token.index() == 4) {
                  generation.cancel();
                }
              });
      blocker.close(); // not before there is a reader, so that no token is computed ahead of it

      assertEquals(FinishReason.CANCELLED, answer.finished().reason());
      assertTrue(answer.tokens().size() <= 6, answer.tokens().size() + " tokens");
      assertEquals(answer.tokens().size(), answer.finished().usage().completionTokens());
    }
  }

  @Test
  void cancellingTheSubscriptionStopsTheEngine() {
    try (Engine own = engine(4, Duration.ofSeconds(30))) {
      var started = new CountDownLatch(1);
      var answer = Collected.from(own.submit(endlessStory()), 3, token -> started.countDown());
      Await.until("the answer has begun", () -> started.getCount() == 0);

      answer.subscription().cancel();

      Await.until("the engine is idle", () -> own.running() == 0);
      assertTrue(answer.tokens().size() <= 3);
    }
  }

  @Test
  void cancellingBeforeItsTurnFreesThePlaceInTheQueue() throws Exception {
    var blocker = new Blocker();
    try (Engine own = engine(1, Duration.ofSeconds(30), blocker);
        blocker) {
      blocker.block(own, endlessStory());
      Generation waiting = own.submit(fiveTokens());
      var answer = Collected.from(waiting);
      assertEquals(1, own.waiting());
      assertThrows(AdmissionException.class, () -> own.submit(fiveTokens()));

      waiting.cancel();

      assertEquals(FinishReason.CANCELLED, answer.finished().reason());
      assertEquals(new Usage(prompt(QUESTION).length, 0), answer.finished().usage());
      assertEquals(0, own.waiting());
      Generation next = own.submit(fiveTokens());
      blocker.close();
      var last = Collected.from(next);
      assertEquals(FinishReason.LENGTH, last.finished().reason());
    }
  }

  @Test
  void aFullQueueRefusesAndSaysWhenToComeBack() throws Exception {
    var blocker = new Blocker();
    try (Engine own = engine(2, Duration.ofSeconds(30), blocker);
        blocker) {
      blocker.block(own, endlessStory());
      own.submit(fiveTokens());
      own.submit(fiveTokens());

      var refusal = assertThrows(AdmissionException.class, () -> own.submit(fiveTokens()));

      assertEquals(429, refusal.status());
      assertEquals("queue_full", refusal.code());
      assertTrue(refusal.retryAfter().orElseThrow().toSeconds() >= 1);
      assertEquals(2, own.waiting());
      assertEquals(1, own.running());
    }
  }

  @Test
  void aPromptThatLeavesNoRoomIsRefused() {
    int context = engine.model().contextLength();
    for (int length : new int[] {context, context + 1, 10_000}) {
      var refusal =
          assertThrows(
              AdmissionException.class,
              () -> engine.submit(GenerationRequest.forPrompt(new int[length]).build()));
      assertEquals(400, refusal.status());
      assertEquals("context_length_exceeded", refusal.code());
      assertTrue(refusal.getMessage().contains(String.valueOf(length)), refusal.getMessage());
    }
  }

  @Test
  void aPromptThatLeavesOnePlaceGetsOneToken() throws Exception {
    int[] prompt = new int[engine.model().contextLength() - 1];
    Arrays.fill(prompt, engine.tokenizer().encodeOrdinary("a")[0]);

    var answer = Collected.from(engine.submit(GenerationRequest.forPrompt(prompt).build()));

    answer.finished();
    assertEquals(1, answer.tokens().size());
  }

  @Test
  void anAnswerEndsWhereTheContextEnds() throws Exception {
    int[] prompt = Arrays.copyOf(prompt(STORY), 500);
    Arrays.fill(prompt, 30, 500, engine.tokenizer().encodeOrdinary("a")[0]);
    try (Engine own = engine(1, Duration.ofSeconds(30))) {
      var answer = Collected.from(own.submit(GenerationRequest.forPrompt(prompt).build()));

      assertEquals(FinishReason.LENGTH, answer.finished().reason());
      assertEquals(12, answer.tokens().size());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 2048, Integer.MAX_VALUE, Integer.MIN_VALUE})
  void aTokenOutsideTheVocabularyIsRefused(int id) {
    var request = GenerationRequest.forPrompt(1, id).build();

    var refusal = assertThrows(IllegalArgumentException.class, () -> engine.submit(request));

    assertTrue(refusal.getMessage().contains(String.valueOf(id)), refusal.getMessage());
  }

  @Test
  void closingEndsWhatRunsAndWhatWaits() throws Exception {
    Engine own = engine(4, Duration.ofSeconds(30));
    var started = new CountDownLatch(1);
    var running =
        Collected.from(own.submit(endlessStory()), Long.MAX_VALUE, token -> started.countDown());
    var first = Collected.from(own.submit(fiveTokens()));
    var second = Collected.from(own.submit(fiveTokens()));
    Await.until("the answer has begun", () -> started.getCount() == 0);

    own.close();

    assertEquals(FinishReason.CLOSED, running.finished().reason());
    assertEquals(FinishReason.CLOSED, first.finished().reason());
    assertEquals(FinishReason.CLOSED, second.finished().reason());
    assertEquals(0, own.running());
    assertEquals(0, own.waiting());
    var refusal = assertThrows(AdmissionException.class, () -> own.submit(fiveTokens()));
    assertEquals(503, refusal.status());
    own.close(); // once more does no harm
  }

  @Test
  void aSubscriberMayCloseTheEngine() throws Exception {
    Engine own = engine(4, Duration.ofSeconds(30));
    var returned = new CountDownLatch(1);
    var answer =
        Collected.from(
            own.submit(endlessStory()),
            Long.MAX_VALUE,
            token -> {
              own.close();
              returned.countDown();
            });

    assertTrue(returned.await(20, TimeUnit.SECONDS), "close() waits for its own thread");
    assertEquals(FinishReason.CLOSED, answer.finished().reason());
    assertThrows(AdmissionException.class, () -> own.submit(fiveTokens()));
  }

  @Test
  void aReaderThatStallsKeepsNobodyWaitingAndGoesOnWhenItReads() throws Exception {
    try (Engine own = engine(4, Duration.ofSeconds(60))) {
      var stalled = Collected.from(own.submit(endlessStory()), 0, token -> {});
      var next = Collected.from(own.submit(fiveTokens()));

      assertEquals(FinishReason.LENGTH, next.finished().reason());

      stalled.subscription().request(Long.MAX_VALUE);
      assertEquals(FinishReason.LENGTH, stalled.finished().reason());
      assertEquals(512, stalled.finished().usage().totalTokens());
    }
  }

  @Test
  void aReaderThatStallsForTooLongIsGivenUp() throws Exception {
    try (Engine own = engine(4, Duration.ofMillis(50))) {
      Generation given = own.submit(endlessStory());
      var stalled = Collected.from(given, 0, token -> {});
      given.usage().toCompletableFuture().get(60, TimeUnit.SECONDS);

      stalled.subscription().request(Long.MAX_VALUE);
      assertEquals(FinishReason.UNREAD, stalled.finished().reason());
      assertEquals(Answer.CHANNEL_CAPACITY, stalled.tokens().size());
    }
  }

  @ParameterizedTest
  @CsvSource({"1, false, 128", "16, false, 128", "40, false, 160", "1, true, 32", "16, true, 64"})
  void allChoicesOfARequestTogetherAreAheadOfTheirReaderByABoundedNumberOfTokens(
      int choices, boolean logprobs, int most) throws Exception {
    var request = GenerationRequest.forPrompt(prompt(STORY)).choices(choices);
    request.sampling(SamplingParameters.builder().temperature(1).ignoreEos(true).build());
    if (logprobs) {
      request.logprobs(20);
    }
    try (Engine own = engine(16, Duration.ofMillis(50))) {
      Generation given = own.submit(request.build());
      var stalled = Collected.from(given, 0, token -> {});
      given.usage().toCompletableFuture().get(60, TimeUnit.SECONDS);

      stalled.subscription().request(Long.MAX_VALUE);
      stalled.finished();
      int ahead = stalled.tokens().size();
      assertTrue(ahead > most - choices && ahead <= most, ahead + " tokens of " + choices);
    }
  }

  @Test
  void aSubscriberThatThrowsDoesNotDisturbTheNext() throws Exception {
    Collected.from(
        engine.submit(greedy(STORY)),
        Long.MAX_VALUE,
        token -> {
          throw new IllegalStateException("a careless subscriber");
        });
    var next = Collected.from(engine.submit(greedy(QUESTION)));

    assertEquals(FinishReason.STOP, next.finished().reason());
  }

  @Test
  void theListenerHearsOfEveryTokenAndEveryEnd() throws Exception {
    var heard = new ArrayList<String>();
    var listener =
        new EngineListener() {
          @Override
          public void firstToken(Duration sinceSubmission) {
            heard.add("first");
          }

          @Override
          public void nextToken(Duration sincePrevious) {
            heard.add("next");
          }

          @Override
          public void finished(GenerationEvent.Finished end) {
            heard.add(end.reason().name());
          }
        };
    try (Engine own = Engine.open("demo", EngineOptions.DEFAULTS.withListener(listener))) {
      Collected.from(own.submit(request(STORY).maxTokens(3).build())).finished();
    }

    assertEquals(List.of("first", "next", "next", "LENGTH"), heard);
  }

  @Test
  void paddingOfTheVocabularyIsNeverDrawn() throws Exception {
    // The tokenizer loses its last two tokens, the model does not: as if they were padding.
    ModelDirectory source = DemoFiles.copyTo(directory.resolve("padded"));
    DemoFiles.edit(
        source,
        "tokenizer.json",
        "(?s),\\s*\\{[^{}]*\"id\"\\s*:\\s*2046[^{}]*\\}\\s*,\\s*\\{[^{}]*\"id\"\\s*:\\s*2047[^{}]*\\}",
        "");
    DemoFiles.edit(
        source, "config.json", "(?s)\"eos_token_id\": \\[.*?\\]", "\"eos_token_id\": 2045");
    Path model = directory.resolve("padded.chasqui");
    ModelPacker.pack(source, model, DType.Q8, Progress.NONE);
    int[] prompt = prompt(QUESTION);

    try (Engine padded = Engine.open(model.toString())) {
      assertEquals(2046, padded.tokenizer().vocabularySize());
      var answer =
          Collected.from(padded.submit(GenerationRequest.forPrompt(prompt).maxTokens(60).build()));
      answer.finished();
      assertTrue(IntStream.of(answer.ids()).allMatch(id -> id < 2046), answer.text());
    }
  }

  private static Engine engine(int queueCapacity, Duration stallTimeout) {
    return engine(queueCapacity, stallTimeout, new EngineListener() {});
  }

  private static Engine engine(int queueCapacity, Duration stallTimeout, EngineListener listener) {
    return Engine.open(
        endless.toString(),
        new EngineOptions(
            512,
            KvLayout.Type.F16,
            OptionalLong.empty(),
            OptionalInt.of(1),
            queueCapacity,
            stallTimeout,
            Speculation.OFF,
            listener));
  }

  /** A story that the model in {@link #endless} goes on with until it is stopped. */
  private static GenerationRequest endlessStory() {
    return greedy(STORY);
  }

  private static GenerationRequest fiveTokens() {
    return request(QUESTION).maxTokens(5).build();
  }

  private static GenerationRequest greedy(String question) {
    return request(question).build();
  }

  private static GenerationRequest.Builder request(String question) {
    return GenerationRequest.forPrompt(prompt(question));
  }

  private static int[] prompt(String question) {
    return engine.promptFor(List.of(ChatMessage.user(question)));
  }

  private static Collected sampled(long seed) throws Exception {
    var answer =
        Collected.from(
            engine.submit(
                request(STORY)
                    .sampling(new SamplingParameters(1, 0, 1, seed))
                    .maxTokens(60)
                    .build()));
    answer.finished();
    return answer;
  }
}
