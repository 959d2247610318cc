package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.kernel.KvLayout;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a generation took is known however it ends, and whoever has listened. */
@Timeout(120)
class GenerationUsageTest {
  private static final int[] PROMPT = {1, 2, 3};

  private final AtomicInteger steps = new AtomicInteger();

  private Engine engine(int slots) {
    return engine(slots, Integer.MAX_VALUE);
  }

  /**
   * An engine that breaks after so many steps. Nobody needs to read its answers for as long as a
   * test takes.
   */
  private Engine engine(int slots, int lastStep) {
    var listener =
        new EngineListener() {
          @Override
          public void stepped(int sequences, int tokens) {
            if (steps.incrementAndGet() == lastStep) {
              throw new StackOverflowError("on purpose");
            }
          }
        };
    return Engine.open(
        "demo",
        new EngineOptions(
            512,
            KvLayout.Type.F16,
            OptionalLong.empty(),
            OptionalInt.of(slots),
            4,
            Duration.ofMinutes(10),
            Speculation.OFF,
            listener));
  }

  private static GenerationRequest.Builder request() {
    return GenerationRequest.forPrompt(PROMPT);
  }

  private static Usage usage(Generation generation) throws Exception {
    return generation.usage().toCompletableFuture().get(60, TimeUnit.SECONDS);
  }

  @Test
  void ofAnAnswerThatIsReadItIsWhatItsEndTells() throws Exception {
    try (Engine engine = engine(1)) {
      Generation generation = engine.submit(request().maxTokens(5).build());
      Usage told = Collected.from(generation).finished().usage();

      assertEquals(told, usage(generation));
      assertEquals(PROMPT.length, told.promptTokens());
    }
  }

  @Test
  void itIsKnownBeforeTheReaderHearsOfTheEnd() throws Exception {
    try (Engine engine = engine(1)) {
      Generation generation = engine.submit(request().maxTokens(1).build());
      CompletableFuture<Usage> usage = generation.usage().toCompletableFuture();
      var answer = Collected.from(generation);
      answer.finished();

      assertTrue(usage.isDone());
    }
  }

  @Test
  void anAnswerThatIsCancelledInTheQueueHasNoTokens() throws Exception {
    try (Engine engine = engine(1)) {
      Generation running = engine.submit(request().build());
      Generation waiting = engine.submit(request().build());
      assertFalse(waiting.usage().toCompletableFuture().isDone());
      waiting.cancel();

      assertEquals(new Usage(PROMPT.length, 0), usage(waiting));
      running.cancel();
    }
  }

  @Test
  void choicesThatNobodyWouldHaveSeenCountWhenTheyAreCancelled() throws Exception {
    try (Engine engine = engine(4)) {
      Generation best = engine.submit(request().bestOf(4).build());
      Await.until("some are computed", () -> steps.get() > 10);
      best.cancel();

      assertTrue(usage(best).completionTokens() > 4 * 5, usage(best).toString());
    }
  }

  @Test
  void anAnswerThatNobodyReadsHasItsUsageWhenTheEngineIsClosed() throws Exception {
    Generation unread;
    try (Engine engine = engine(1)) {
      unread = engine.submit(request().build());
      Await.until("it runs", () -> steps.get() > 10);
    }
    assertTrue(usage(unread).completionTokens() > 0);
  }

  @Test
  void soHasOneThatFails() throws Exception {
    try (Engine engine = engine(1, 10)) {
      Generation failing = engine.submit(request().build());

      assertThrows(ExecutionException.class, () -> Collected.from(failing).finished());
      assertTrue(usage(failing).completionTokens() > 0);
    }
  }
}
