package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.KvLayout;
import io.chasqui.sampling.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whose turn it is, for how long, and what requests share. */
@Timeout(120)
class SchedulingTest {
  private static final int[] SHORT = prompt("What is the capital of Japan?");
  private static final int[] LONG = prompt("Tell me a story about a fox. ".repeat(46));

  /** Long enough for everything that is to happen before. */
  private static final Duration LIMIT = Duration.ofSeconds(3);

  @Test
  void theMoreUrgentOfThoseWhoWaitGoesFirst() throws Exception {
    var blocker = new Blocker();
    try (Engine engine = engine(1, blocker)) {
      List<String> order = Collections.synchronizedList(new ArrayList<>());
      blocker.block(engine, GenerationRequest.forPrompt(LONG).build());
      var usual = submit(engine, "usual", 0, order);
      var urgent = submit(engine, "urgent", -5, order);
      var idle = submit(engine, "idle", 7, order);
      var usualToo = submit(engine, "usual too", 0, order);
      blocker.close();
      for (Collected each : List.of(usual, urgent, idle, usualToo)) {
        each.finished();
      }
      assertEquals(List.of("urgent", "usual", "usual too", "idle"), order);
    }
  }

  @Test
  void ofThoseWhoAreEquallyUrgentTheOneGoesFirstOfWhoseOwnerFewestRun() throws Exception {
    var blocker = new Blocker();
    try (Engine engine = engine(2, blocker)) {
      List<String> order = Collections.synchronizedList(new ArrayList<>());
      blocker.block(
          engine, GenerationRequest.forPrompt(LONG).sampling(endless()).owner("a").build());
      var first = submit(engine, "a", 0, order);
      var second = submit(engine, "a", 0, order);
      var urgent = submit(engine, "a", -1, order);
      var other = submit(engine, "b", 0, order);
      blocker.open(); // the request of a goes on
      for (Collected each : List.of(first, second, urgent, other)) {
        each.finished();
      }
      assertEquals(List.of("a", "b", "a", "a"), order);
    }
  }

  private static Collected submit(Engine engine, String name, int priority, List<String> order) {
    var request =
        GenerationRequest.forPrompt(SHORT).maxTokens(1).priority(priority).owner(name).build();
    return Collected.from(engine.submit(request), Long.MAX_VALUE, token -> order.add(name));
  }

  @Test
  void aShortPromptDoesNotWaitForALongOne() throws Exception {
    var blocker = new Blocker();
    try (Engine engine = engine(4, blocker)) {
      List<String> order = Collections.synchronizedList(new ArrayList<>());
      // Held in its first step, which is not its last: a step takes 128 tokens.
      assertTrue(LONG.length > 3 * 128);
      Generation first = engine.submit(GenerationRequest.forPrompt(LONG).maxTokens(1).build());
      var longAnswer = Collected.from(first, Long.MAX_VALUE, token -> order.add("long"));
      Await.until("the long prompt runs", () -> engine.running() == 1);
      var shortAnswer = submit(engine, "short", 0, order);
      blocker.open();
      longAnswer.finished();
      shortAnswer.finished();
      assertEquals(List.of("short", "long"), order);
    }
  }

  @Test
  void anAnswerEndsWhenItsTimeIsUpAndKeepsWhatItHas() throws Exception {
    var request = GenerationRequest.forPrompt(LONG).sampling(endless()).timeout(LIMIT).build();
    try (Engine engine = engine(2, new LateAt(20))) {
      Collected answer = Collected.from(engine.submit(request));
      assertEquals(FinishReason.DEADLINE, answer.finished().reason());
      assertEquals(21, answer.tokens().size());
      assertEquals(21, answer.finished().usage().completionTokens());
    }
  }

  @Test
  void theTimeWasUpIfItWasForOneOfTheChoices() throws Exception {
    var request = GenerationRequest.forPrompt(SHORT).choices(2).maxTokens(40);
    int[] lengths = {0, 0};
    int seed = 0;
    while (lengths[0] <= lengths[1] || lengths[1] < 3) { // The second ends first.
      request.sampling(SamplingParameters.builder().temperature(1).seed(++seed).build());
      lengths = lengths(request.build());
    }
    // In the step that gives the second its last token, before the first has its own.
    try (Engine engine = engine(2, new LateAt(2 * lengths[1] - 3))) {
      Collected answer = Collected.from(engine.submit(request.timeout(LIMIT).build()));
      assertEquals(FinishReason.DEADLINE, answer.finished().reason(), "seed " + seed);
      assertEquals(
          List.of(FinishReason.DEADLINE, FinishReason.STOP),
          answer.tokens().stream().flatMap(token -> token.end().stream()).toList());
      assertEquals(2 * lengths[1], answer.tokens().size());
    }
  }

  private static int[] lengths(GenerationRequest request) throws Exception {
    int[] lengths = new int[2];
    try (Engine engine = engine(2, new EngineListener() {})) {
      Collected answer = Collected.from(engine.submit(request));
      answer.finished();
      answer.tokens().forEach(token -> lengths[token.choice()]++);
    }
    return lengths;
  }

  @Test
  void theLastTokenInTimeTakesAlongWhatWasHeldBackForAStopSequence() throws Exception {
    var request = GenerationRequest.forPrompt(SHORT).maxTokens(40);
    String whole;
    try (Engine engine = engine(1, new EngineListener() {})) {
      Collected answer = Collected.from(engine.submit(request.build()));
      answer.finished();
      whole = answer.text();
    }
    try (Engine engine = engine(1, new LateAt(3))) {
      // All of the answer could be the beginning of this.
      var held = request.stop(List.of(whole + "!")).timeout(LIMIT).build();
      Collected answer = Collected.from(engine.submit(held));
      assertEquals(FinishReason.DEADLINE, answer.finished().reason());
      assertEquals(4, answer.tokens().size());
      assertFalse(answer.text().isEmpty());
      assertTrue(whole.startsWith(answer.text()), answer.text() + " of " + whole);
    }
  }

  @Test
  void timeIsUpForThoseWhoWaitToo() throws Exception {
    try (Engine engine = engine(1, new Slow())) {
      var running =
          Collected.from(
              engine.submit(GenerationRequest.forPrompt(SHORT).sampling(endless()).build()));
      var waiting =
          Collected.from(
              engine.submit(
                  GenerationRequest.forPrompt(SHORT).timeout(Duration.ofMillis(50)).build()));
      assertEquals(FinishReason.DEADLINE, waiting.finished().reason());
      assertEquals(0, waiting.tokens().size());
      assertEquals(0, engine.waiting());
      assertEquals(1, engine.running());
      running.subscription().cancel();
    }
  }

  @Test
  void cancellingDoesNothingWhenTimeWasUpBeforeItsTurn() throws Exception {
    try (Engine engine = engine(1, new Slow())) {
      Generation running =
          engine.submit(GenerationRequest.forPrompt(SHORT).sampling(endless()).build());
      Generation waiting =
          engine.submit(GenerationRequest.forPrompt(SHORT).timeout(Duration.ofMillis(50)).build());
      var answer = Collected.from(waiting);
      assertEquals(FinishReason.DEADLINE, answer.finished().reason());
      waiting.cancel();
      running.cancel();
    }
  }

  /** While the loop looks for those that were cancelled, some are cancelled that still wait. */
  @Test
  void whoeverIsCancelledWhileWaitingEndsOnce() throws Exception {
    var ends = new AtomicInteger();
    var listener =
        new EngineListener() {
          @Override
          public void finished(GenerationEvent.Finished end) {
            ends.incrementAndGet();
          }
        };
    int rounds = 300;
    try (Engine engine = engine(1, listener)) {
      for (int round = 0; round < rounds; round++) {
        List<Generation> generations = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          generations.add(
              engine.submit(GenerationRequest.forPrompt(SHORT).sampling(endless()).build()));
        }
        generations.reversed().forEach(Generation::cancel);
        Await.until("all have ended", () -> engine.running() + engine.waiting() == 0);
      }
    }
    assertEquals(16 * rounds, ends.get());
  }

  @Test
  void timeIsUpForAReaderWhoDoesNotRead() throws Exception {
    try (Engine engine = engine(1, new EngineListener() {})) {
      var request =
          GenerationRequest.forPrompt(SHORT)
              .sampling(endless())
              .timeout(Duration.ofSeconds(4)) // by then its channel is full on a busy machine too
              .build();
      Collected unread = Collected.from(engine.submit(request), 0, token -> {});
      Await.until("its channel is full", () -> engine.parked() == 1);
      Await.until("its time is up", () -> engine.running() == 0);
      unread.subscription().request(Long.MAX_VALUE);
      assertEquals(FinishReason.DEADLINE, unread.finished().reason());
      assertEquals(128, unread.tokens().size());
    }
  }

  @Test
  void manyChoicesOfOneRequestDoNotFillTheQueue() throws Exception {
    try (Engine engine = engine(2, new Slow())) {
      var many =
          engine.submit(GenerationRequest.forPrompt(SHORT).sampling(endless()).choices(40).build());
      var read = Collected.from(many);
      Await.until("its choices wait", () -> engine.waiting() >= 38);
      var other = Collected.from(engine.submit(request(1)));
      many.cancel();
      assertEquals(FinishReason.LENGTH, other.finished().reason());
      assertEquals(FinishReason.CANCELLED, read.finished().reason());
    }
  }

  private static GenerationRequest request(int maxTokens) {
    return GenerationRequest.forPrompt(SHORT).maxTokens(maxTokens).build();
  }

  @Test
  void onlyRequestsOfTheSameSaltShareWhatTheyCompute() throws Exception {
    try (Engine engine = engine(8, new EngineListener() {})) { // memory for all of them
      int full = (LONG.length - 1) / 16 * 16;
      assertEquals(0, cached(engine, GenerationRequest.forPrompt(LONG).cacheSalt(1)));
      assertEquals(0, cached(engine, GenerationRequest.forPrompt(LONG).cacheSalt(2)));
      assertEquals(0, cached(engine, GenerationRequest.forPrompt(LONG)));
      assertEquals(full, cached(engine, GenerationRequest.forPrompt(LONG).cacheSalt(1)));
      assertEquals(full, cached(engine, GenerationRequest.forPrompt(LONG)));
    }
  }

  @Test
  void whoOptsOutOfThePrefixCacheTakesNothingAndLeavesNothing() throws Exception {
    try (Engine engine = engine(2, new EngineListener() {})) {
      assertEquals(0, cached(engine, GenerationRequest.forPrompt(LONG).withoutPromptCache()));
      assertEquals(0, cached(engine, GenerationRequest.forPrompt(LONG)));
      assertEquals(0, cached(engine, GenerationRequest.forPrompt(LONG).withoutPromptCache()));
    }
  }

  @Test
  void memoryInUseIsToldAndAllOfItComesBack() throws Exception {
    try (Engine engine = engine(2, new Slow())) {
      var answer =
          Collected.from(
              engine.submit(GenerationRequest.forPrompt(LONG).sampling(endless()).build()));
      Await.until("memory is in use", () -> engine.kvUsage() > 0);
      assertTrue(engine.kvUsage() <= 1);
      answer.subscription().cancel();
      Await.until("memory is back", () -> engine.kvUsage() == 0);
    }
  }

  private static int cached(Engine engine, GenerationRequest.Builder request) throws Exception {
    var answer = Collected.from(engine.submit(request.maxTokens(1).build()));
    return answer.finished().usage().cachedTokens();
  }

  private static SamplingParameters endless() {
    return SamplingParameters.builder().ignoreEos(true).build();
  }

  /** So slow that a deadline comes before an answer's end. */
  private static final class Slow implements EngineListener {
    @Override
    public void stepped(int sequences, int tokens) {
      sleep(Duration.ofMillis(10));
    }
  }

  /** Lets the time be up with one of the tokens that follow first ones. */
  private static final class LateAt implements EngineListener {
    private final int token;
    private int tokens;

    LateAt(int token) {
      this.token = token;
    }

    @Override
    public void nextToken(Duration sincePrevious) {
      if (++tokens == token) {
        sleep(LIMIT);
      }
    }
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static Engine engine(int sequences, EngineListener listener) {
    return Engine.open(
        "demo",
        new EngineOptions(
            512,
            KvLayout.Type.F16,
            OptionalLong.empty(),
            OptionalInt.of(sequences),
            16,
            Duration.ofSeconds(60),
            Speculation.OFF,
            listener));
  }

  private static int[] prompt(String text) {
    try (Engine engine = Engine.open("demo")) {
      return engine.promptFor(List.of(ChatMessage.user(text)));
    }
  }
}
