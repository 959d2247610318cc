package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.kernel.KvLayout;
import io.chasqui.sampling.SamplingParameters;
import io.chasqui.sampling.TokenLogprobs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several answers to one request, and how likely their tokens were. */
@Timeout(120)
class ChoicesTest {
  private static final SamplingParameters DRAWS = new SamplingParameters(1, 0, 1, 42);

  private static Engine engine;
  private static int[] prompt;

  private final AtomicInteger computed = new AtomicInteger();
  private final AtomicInteger preemptions = new AtomicInteger();

  private final EngineListener listener =
      new EngineListener() {
        @Override
        public void stepped(int sequences, int tokens) {
          computed.addAndGet(tokens);
        }

        @Override
        public void preempted() {
          preemptions.incrementAndGet();
        }
      };

  @BeforeAll
  static void open() {
    engine = Engine.open("demo");
    prompt = engine.promptFor(List.of(ChatMessage.user("Tell me a story about a fox. ".repeat(8))));
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void theFirstChoiceIsTheOnlyOneOfARequestForOne() throws Exception {
    var alone = finished(engine, request().build());
    var four = finished(engine, request().choices(4).build());

    assertEquals(alone.tokens(0), four.tokens(0));
  }

  @Test
  void choicesDrawDifferentNumbersAndTheSameEveryTime() throws Exception {
    var once = finished(engine, request().choices(4).build());
    var again = finished(engine, request().choices(4).build());

    Set<String> texts = new HashSet<>();
    for (int choice = 0; choice < 4; choice++) {
      assertEquals(once.tokens(choice), again.tokens(choice));
      texts.add(once.text(choice));
    }
    assertEquals(4, texts.size(), texts.toString());
  }

  @Test
  void everyChoiceSaysWhyItEndsAndTheUsageIsThatOfAll() throws Exception {
    var four = finished(engine, request().choices(4).build());

    for (int choice = 0; choice < 4; choice++) {
      List<Token> tokens = four.tokens(choice);
      assertTrue(tokens.getLast().end().isPresent());
      assertTrue(tokens.stream().limit(tokens.size() - 1).allMatch(t -> t.end().isEmpty()));
    }
    assertEquals(four.tokens().size(), four.finished().usage().completionTokens());
    assertEquals(prompt.length, four.finished().usage().promptTokens());
  }

  @Test
  void thePromptIsComputedOnce() throws Exception {
    try (Engine own = engine(8, OptionalLong.empty())) {
      int before = computed.get();
      var four = finished(own, request().choices(4).maxTokens(5).build());

      // The last token of each choice is not computed: nothing follows it.
      int ofAnswers = four.tokens().size() - 4;
      assertEquals(prompt.length + ofAnswers, computed.get() - before);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void withFewerSlotsThanChoicesTheTextsAreTheSame(int slots) throws Exception {
    var expected = finished(engine, request().choices(5).build());
    try (Engine own = engine(slots, OptionalLong.empty())) {
      assertSameChoices(5, expected, finished(own, request().choices(5).build()));
    }
  }

  @Test
  void withMemoryForOneContextTheTextsAreTheSame() throws Exception {
    GenerationRequest request = request().choices(8).maxTokens(150).build();
    var expected = finished(engine, request);
    try (Engine own = engine(8, OptionalLong.of(512 / 16 * StepLoopTest.blockBytes()))) {
      assertSameChoices(8, expected, finished(own, request));
    }
    assertTrue(preemptions.get() > 0, "memory was never short");
  }

  @Test
  void whatIsGuessedAheadChangesNoChoice() throws Exception {
    var expected = finished(engine, request().choices(3).build());
    var guessed =
        finished(engine, request().choices(3).speculation(Speculation.PROMPT_LOOKUP).build());

    assertSameChoices(3, expected, guessed);
  }

  @Test
  void aReaderWhoReadsOneByOneGetsAllChoices() throws Exception {
    GenerationRequest request = request().choices(4).maxTokens(200).build();
    var expected = finished(engine, request);
    var slow = Collected.from(engine.submit(request), 1, token -> {});
    for (int i = 0; i <= expected.tokens().size(); i++) {
      slow.subscription().request(1);
      Thread.onSpinWait();
    }
    slow.finished();
    assertSameChoices(4, expected, slow);
  }

  @Test
  void cancellingEndsAllChoices() throws Exception {
    var generation = engine.submit(request().choices(6).maxTokens(200).build());
    var some =
        Collected.from(
            generation,
            Long.MAX_VALUE,
            token -> {
              if (token.index() == 3) {
                generation.cancel();
              }
            });

    assertEquals(FinishReason.CANCELLED, some.finished().reason());
    assertTrue(some.tokens().size() < 60, "tokens: " + some.tokens().size());
    assertEquals(0, engine.running());
    assertEquals(0, engine.waiting());
  }

  @Test
  void theBestAreThoseWhoseTokensAreTheMostLikelyOnAverage() throws Exception {
    var all = finished(engine, request().choices(6).logprobs(0).build());
    var best = finished(engine, request().choices(2).bestOf(6).build());

    List<List<Token>> ranked =
        IntStream.range(0, 6)
            .mapToObj(all::tokens)
            .sorted(Comparator.comparingDouble(ChoicesTest::meanLogprob).reversed())
            .toList();
    for (int choice = 0; choice < 2; choice++) {
      assertEquals(ids(ranked.get(choice)), ids(best.tokens(choice)));
      assertTrue(best.tokens(choice).stream().allMatch(token -> token.logprobs().isEmpty()));
    }
    assertEquals(List.of(), best.tokens(2));
    assertEquals(all.tokens().size(), best.finished().usage().completionTokens());
  }

  @Test
  void aTokenIsAsLikelyInAPromptAsInAnAnswer() throws Exception {
    var answer = finished(engine, request().logprobs(3).maxTokens(40).build());
    int[] ids = answer.ids();
    int[] whole = IntStream.concat(IntStream.of(prompt), IntStream.of(ids)).toArray();
    var scored =
        finished(
            engine,
            GenerationRequest.forPrompt(whole).maxTokens(0).logprobs(3).promptLogprobs().build());

    List<Optional<TokenLogprobs>> logprobs = scored.prompt().logprobs();
    assertEquals(whole.length, logprobs.size());
    assertEquals(Optional.empty(), logprobs.getFirst());
    for (int i = 0; i < ids.length; i++) {
      assertSameLogprobs(
          answer.tokens().get(i).logprobs().orElseThrow(),
          logprobs.get(prompt.length + i).orElseThrow());
    }
    assertEquals(FinishReason.LENGTH, scored.finished().reason());
    assertEquals(0, scored.finished().usage().completionTokens());
  }

  @Test
  void aPromptIsScoredTheSameBesideOthersAndWithLittleMemory() throws Exception {
    GenerationRequest scoring =
        GenerationRequest.forPrompt(prompt).maxTokens(3).logprobs(1).promptLogprobs().build();
    var expected = finished(engine, scoring);
    try (Engine own = engine(8, OptionalLong.of(512 / 16 * StepLoopTest.blockBytes()))) {
      List<Collected> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        all.add(Collected.from(own.submit(request().maxTokens(100).build())));
        all.add(Collected.from(own.submit(scoring)));
      }
      for (int i = 0; i < 6; i++) {
        all.get(2 * i).finished();
        Collected scored = all.get(2 * i + 1);
        assertEquals(ids(expected.tokens()), ids(ended(scored).tokens()));
        for (int at = 1; at < prompt.length; at++) {
          assertSameLogprobs(
              expected.prompt().logprobs().get(at).orElseThrow(),
              scored.prompt().logprobs().get(at).orElseThrow());
        }
      }
    }
  }

  @Test
  void whatContradictsItselfIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> request().choices(3).bestOf(2).build());
    assertThrows(IllegalArgumentException.class, () -> request().maxTokens(0).build());
    assertThrows(IllegalArgumentException.class, () -> request().choices(0));
    assertThrows(IllegalArgumentException.class, () -> request().choices(65));
    assertThrows(IllegalArgumentException.class, () -> request().logprobs(21));
    assertFalse(request().build().promptLogprobs());
  }

  private static GenerationRequest.Builder request() {
    return GenerationRequest.forPrompt(prompt).sampling(DRAWS).maxTokens(60);
  }

  private Engine engine(int sequences, OptionalLong memory) {
    return Engine.open(
        "demo",
        new EngineOptions(
            512,
            KvLayout.Type.F16,
            memory,
            OptionalInt.of(sequences),
            16,
            Duration.ofSeconds(60),
            Speculation.OFF,
            listener));
  }

  private static Collected finished(Engine engine, GenerationRequest request) throws Exception {
    return ended(Collected.from(engine.submit(request)));
  }

  private static Collected ended(Collected answer) throws Exception {
    answer.finished();
    return answer;
  }

  private static List<Integer> ids(List<Token> tokens) {
    return tokens.stream().map(Token::id).toList();
  }

  private static double meanLogprob(List<Token> tokens) {
    return tokens.stream()
        .mapToDouble(token -> token.logprobs().orElseThrow().chosen())
        .average()
        .orElseThrow();
  }

  private static void assertSameChoices(int choices, Collected expected, Collected actual) {
    for (int choice = 0; choice < choices; choice++) {
      assertEquals(expected.tokens(choice), actual.tokens(choice), "choice " + choice);
    }
  }

  private static void assertSameLogprobs(TokenLogprobs expected, TokenLogprobs actual) {
    assertEquals(expected.chosen(), actual.chosen());
    assertEquals(
        IntStream.of(expected.topIds()).boxed().toList(),
        IntStream.of(actual.topIds()).boxed().toList());
    for (int i = 0; i < expected.topLogprobs().length; i++) {
      assertEquals(expected.topLogprobs()[i], actual.topLogprobs()[i]);
    }
  }
}
