package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.LogLines;
import io.chasqui.kernel.KvLayout;
import java.time.Duration;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What becomes of answers when the engine's own thread breaks, and when its listener does. */
class EngineFailureTest {
  private final Error breakdown = new StackOverflowError("on purpose");

  private static Engine engine(EngineListener listener) {
    return Engine.open(
        "demo",
        new EngineOptions(
            512,
            KvLayout.Type.F16,
            OptionalLong.empty(),
            OptionalInt.of(1),
            4,
            Duration.ofSeconds(30),
            Speculation.OFF,
            listener));
  }

  private static Generation submit(Engine engine) {
    return engine.submit(GenerationRequest.forPrompt(1, 2, 3).maxTokens(100).build());
  }

  private enum Event {
    STEPPED,
    FINISHED
  }

  /** An error of the engine's thread, between the turns of requests or at the end of one. */
  private final class Breaking extends Gate {
    private final Event at;
    final List<Throwable> heard = new CopyOnWriteArrayList<>();

    Breaking(Event at) {
      this.at = at;
    }

    @Override
    public void stepped(int sequences, int tokens) {
      super.stepped(sequences, tokens);
      breakAt(Event.STEPPED);
    }

    @Override
    public void finished(GenerationEvent.Finished end) {
      breakAt(Event.FINISHED);
    }

    private void breakAt(Event event) {
      if (event == at) {
        throw breakdown;
      }
    }

    @Override
    public void broke(Throwable cause) {
      heard.add(cause);
    }
  }

  private void assertFailed(Collected answer) {
    Throwable failure = assertThrows(ExecutionException.class, answer::finished).getCause();
    assertInstanceOf(EngineFailedException.class, failure);
    assertSame(breakdown, failure.getCause());
  }

  @Test
  void anErrorOfTheEnginesThreadEndsAllAnswersAndTakesNoMore() {
    var breaking = new Breaking(Event.STEPPED);
    try (Engine engine = engine(breaking)) {
      var running = Collected.from(submit(engine));
      Await.until("it runs", () -> engine.running() == 1);
      var waiting = Collected.from(submit(engine));
      Generation unread = submit(engine);
      assertFalse(engine.hasFailed());

      breaking.open();

      assertFailed(running);
      assertFailed(waiting);
      assertFailed(Collected.from(unread));
      assertTrue(engine.hasFailed());
      assertThrows(EngineFailedException.class, () -> submit(engine));
      Await.until("the listener is told", () -> !breaking.heard.isEmpty());
      assertEquals(List.of(breakdown), breaking.heard);
      assertEquals(0, engine.running() + engine.waiting());
    }
  }

  @Test
  void anErrorAtTheEndOfAnAnswerLeavesNobodyWaiting() {
    var breaking = new Breaking(Event.FINISHED);
    try (Engine engine = engine(breaking)) {
      breaking.open();
      Generation cancelled = submit(engine);
      var answer = Collected.from(cancelled, 1, token -> cancelled.cancel());
      answer.subscription().request(Long.MAX_VALUE);

      Throwable failure = assertThrows(ExecutionException.class, answer::finished).getCause();
      assertSame(breakdown, failure);
    }
  }

  @Test
  void anEngineThatIsClosedHasNotFailed() {
    var breaking = new Breaking(Event.FINISHED);
    Engine engine = engine(breaking);
    engine.close();

    assertFalse(engine.hasFailed());
    assertEquals(List.of(), breaking.heard);
  }

  enum Listening {
    FIRST_TOKEN,
    NEXT_TOKEN,
    STEPPED,
    FINISHED
  }

  @ParameterizedTest
  @EnumSource
  void aListenerThatThrowsHarmsNoAnswerAndTheLogSaysSoOnce(Listening at) throws Exception {
    var listener =
        new EngineListener() {
          private void throwAt(Listening event) {
            if (event == at) {
              throw new IllegalStateException("a careless listener");
            }
          }

          @Override
          public void firstToken(Duration sinceSubmission) {
            throwAt(Listening.FIRST_TOKEN);
          }

          @Override
          public void nextToken(Duration sincePrevious) {
            throwAt(Listening.NEXT_TOKEN);
          }

          @Override
          public void stepped(int sequences, int tokens) {
            throwAt(Listening.STEPPED);
          }

          @Override
          public void finished(GenerationEvent.Finished end) {
            throwAt(Listening.FINISHED);
          }
        };
    var log = new LogLines(GuardedListener.class);
    try (Engine engine = engine(listener)) {
      for (int i = 0; i < 2; i++) {
        assertFalse(Collected.from(submit(engine)).finished().reason().isCut());
      }
      assertEquals(1, log.at(Level.SEVERE).size(), () -> log.at(Level.SEVERE).toString());
    } finally {
      log.close();
    }
  }
}
