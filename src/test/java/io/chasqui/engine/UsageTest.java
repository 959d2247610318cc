package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.kernel.KvLayout;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.EarlyStopping;
import io.chasqui.sampling.SamplingParameters;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** However a generation ends, it tells what it has taken, once it has ended. */
@Timeout(120)
class UsageTest {
  private static final int[] PROMPT = {1, 2, 3};
  private static final Usage NOTHING_COMPUTED = new Usage(PROMPT.length, 0);

  /** Longer than anything here takes before it. */
  private static final Duration LIMIT = Duration.ofSeconds(3);

  /** Does something at the end of a step. */
  private static final class AtStep implements EngineListener {
    private final int step;
    private int steps;
    private volatile Runnable action = () -> {};

    AtStep(int step) {
      this.step = step;
    }

    @Override
    public void stepped(int sequences, int tokens) {
      if (++steps == step) {
        action.run();
      }
    }
  }

  @Test
  void aGenerationThatNobodyReadsTellsIt() throws Exception {
    try (Engine engine = engine(1, new EngineListener() {})) {
      Generation unread = engine.submit(endless().maxTokens(5).build());

      assertEquals(new Usage(PROMPT.length, 5), usage(unread));
    }
  }

  @Test
  void itIsKnownWhenTheSubscriberHearsOfTheEndAndTheSame() throws Exception {
    try (Engine engine = engine(1, new EngineListener() {})) {
      Generation generation = engine.submit(endless().maxTokens(5).build());
      Usage told = Collected.from(generation).finished().usage();

      assertTrue(generation.usage().toCompletableFuture().isDone());
      assertEquals(told, usage(generation));
    }
  }

  @Test
  void anAnswerThatIsCancelledBeforeItsTurnTellsIt() throws Exception {
    var blocker = new Blocker();
    try (Engine engine = engine(1, blocker)) {
      blocker.block(engine, endless().build());
      Generation waiting = engine.submit(endless().bestOf(4).build());
      waiting.cancel();

      assertEquals(NOTHING_COMPUTED, usage(waiting));
      blocker.close();
    }
  }

  @Test
  void theBestOfSeveralThatAreCancelledHaveTakenWhatAllHad() throws Exception {
    var cancelling = new AtStep(11);
    try (Engine engine = engine(4, cancelling)) {
      Generation generation = engine.submit(endless().bestOf(4).build());
      cancelling.action = generation::cancel;
      var answer = Collected.from(generation);

      assertEquals(FinishReason.CANCELLED, answer.finished().reason());
      assertEquals(0, answer.finished().published());
      // The prompt and the first of each come with one step.
      assertEquals(new Usage(PROMPT.length, 4 * 10), usage(generation));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 4})
  void aSearchTakesATokenForEachBeamAndStep(int n) throws Exception {
    try (Engine engine = engine(4, new EngineListener() {})) {
      Generation generation = engine.submit(beams(n).maxTokens(12).build());
      var answer = Collected.from(generation);

      assertEquals(4 * 12, answer.finished().usage().completionTokens());
      assertEquals(n * 12, answer.finished().published());
      assertEquals(n * 12, answer.tokens().size());
    }
  }

  @Test
  void aSearchThatIsCancelledHasTakenItsSteps() throws Exception {
    var cancelling = new AtStep(11);
    try (Engine engine = engine(4, cancelling)) {
      Generation generation = engine.submit(beams(1).maxTokens(40).build());
      cancelling.action = generation::cancel;

      assertEquals(new Usage(PROMPT.length, 4 * 10), usage(generation));
    }
  }

  @Test
  void aSearchWhoseTimeIsUpGivesNothingAndTellsWhatItTook() throws Exception {
    var late = new AtStep(11);
    late.action = () -> sleep(LIMIT);
    try (Engine engine = engine(4, late)) {
      Generation generation = engine.submit(beams(1).maxTokens(40).timeout(LIMIT).build());
      var answer = Collected.from(generation);

      assertEquals(FinishReason.DEADLINE, answer.finished().reason());
      assertEquals(0, answer.finished().published());
      assertEquals(new Usage(PROMPT.length, 4 * 11), usage(generation));
    }
  }

  @Test
  void aWaitingAnswerWhoseTimeIsUpTellsIt() throws Exception {
    var slow = new Gate();
    try (Engine engine = engine(1, slow)) {
      Generation running = engine.submit(endless().build());
      Await.until("it runs", () -> engine.running() == 1);
      Generation waiting = engine.submit(endless().timeout(Duration.ofMillis(50)).build());
      sleep(Duration.ofMillis(50));
      slow.open();

      assertEquals(NOTHING_COMPUTED, usage(waiting));
      running.cancel();
    }
  }

  @Test
  void anAnswerThatIsLeftUnreadTellsIt() throws Exception {
    try (Engine engine = engine(1, new EngineListener() {}, Duration.ofMillis(50))) {
      Generation unread = engine.submit(endless().build());

      assertEquals(new Usage(PROMPT.length, Answer.CHANNEL_CAPACITY), usage(unread));
    }
  }

  @Test
  void answersOfAnEngineThatIsClosedTellIt() throws Exception {
    var gate = new Gate();
    Generation running;
    Generation waiting;
    try (Engine engine = engine(1, gate)) {
      running = engine.submit(endless().build());
      Await.until("it runs", () -> engine.running() == 1);
      waiting = engine.submit(endless().build());
      gate.open();
    }
    assertTrue(usage(running).completionTokens() > 0);
    assertEquals(NOTHING_COMPUTED, usage(waiting));
  }

  @Test
  void answersOfAnEngineThatBreaksTellIt() throws Exception {
    var breaking = new AtStep(11);
    breaking.action =
        () -> {
          throw new StackOverflowError("on purpose");
        };
    try (Engine engine = engine(1, breaking)) {
      Generation running = engine.submit(endless().build());
      Generation waiting = engine.submit(endless().build());

      assertEquals(new Usage(PROMPT.length, 10), usage(running));
      assertEquals(NOTHING_COMPUTED, usage(waiting));
    }
  }

  @Test
  void anAnswerThatBreaksAtItsEndTellsIt() throws Exception {
    var breaking =
        new EngineListener() {
          @Override
          public void finished(GenerationEvent.Finished end) {
            throw new StackOverflowError("on purpose");
          }
        };
    try (Engine engine = engine(1, breaking)) {
      Generation generation = engine.submit(endless().maxTokens(5).build());
      assertEquals(new Usage(PROMPT.length, 5), usage(generation));
      assertThrows(ExecutionException.class, Collected.from(generation)::finished);
    }
  }

  @Test
  void whatDependsOnItCanThrowAndHarmsNobody() throws Exception {
    var called = new AtomicInteger();
    try (Engine engine = engine(1, new EngineListener() {})) {
      for (int i = 0; i < 2; i++) {
        Generation generation = engine.submit(endless().maxTokens(200).build());
        var _ =
            generation
                .usage()
                .thenRun(() -> {
                  called.incrementAndGet();
                  throw new StackOverflowError("on purpose");
                });
        assertEquals(FinishReason.LENGTH, Collected.from(generation).finished().reason());
      }
    }
    assertEquals(2, called.get());
  }

  @Test
  void nobodyElseCanCompleteIt() throws Exception {
    try (Engine engine = engine(1, new EngineListener() {})) {
      Generation generation = engine.submit(endless().maxTokens(5).build());
      generation.usage().toCompletableFuture().complete(NOTHING_COMPUTED);

      assertEquals(new Usage(PROMPT.length, 5), usage(generation));
    }
  }

  @Test
  void noRequestTakesMoreThanItsMost() {
    assertEquals(3 + 5, endless().maxTokens(5).build().maxTotalTokens(512));
    assertEquals(512, endless().build().maxTotalTokens(512));
    assertEquals(3 + 6 * 509, endless().choices(2).bestOf(6).build().maxTotalTokens(512));
    assertEquals(3 + 4 * 12, beams(1).maxTokens(12).build().maxTotalTokens(512));
    assertEquals(3, endless().build().maxTotalTokens(2));
  }

  private static GenerationRequest.Builder endless() {
    return GenerationRequest.forPrompt(PROMPT)
        .sampling(SamplingParameters.builder().temperature(1).ignoreEos(true).build());
  }

  private static GenerationRequest.Builder beams(int n) {
    return GenerationRequest.forPrompt(PROMPT)
        .sampling(SamplingParameters.builder().ignoreEos(true).build())
        .beams(new BeamParameters(4, n, 1, EarlyStopping.NEVER));
  }

  private static Usage usage(Generation generation) throws Exception {
    return generation.usage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static Engine engine(int sequences, EngineListener listener) {
    return engine(sequences, listener, Duration.ofSeconds(60));
  }

  private static Engine engine(int sequences, EngineListener listener, Duration stallTimeout) {
    return Engine.open(
        "demo",
        new EngineOptions(
            512,
            KvLayout.Type.F16,
            OptionalLong.empty(),
            OptionalInt.of(sequences),
            16,
            stallTimeout,
            Speculation.OFF,
            listener));
  }
}
