package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.kernel.KvLayout;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.EarlyStopping;
import io.chasqui.sampling.SamplingParameters;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whatever one client sends, the stream of another goes on: counted in steps, not in time. */
@Timeout(120)
class FairnessTest {
  private static final int CONTEXT = 512;

  /** Steps of a prompt that others run beside, and one that has begun when a request comes. */
  private static final int FIRST = 4;

  private final AtomicInteger steps = new AtomicInteger();
  private final AtomicInteger preemptions = new AtomicInteger();

  private int requests;

  /** Keeps the engine in its next step. */
  private volatile CountDownLatch held = new CountDownLatch(0);

  private final EngineListener listener =
      new EngineListener() {
        @Override
        public void stepped(int sequences, int tokens) {
          steps.incrementAndGet();
          try {
            held.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        }

        @Override
        public void preempted() {
          preemptions.incrementAndGet();
        }
      };

  /** A stream, and in which step each of its tokens came. */
  private final class Stream {
    private final int submitted = steps.get();
    private final List<Integer> tokens = new ArrayList<>();
    private final Collected collected;

    Stream(Engine engine, int maxTokens) {
      // The engine's thread delivers what is asked for at once.
      collected =
          Collected.from(
              engine.submit(request(maxTokens).build()),
              Long.MAX_VALUE,
              token -> tokens.add(steps.get()));
    }

    int stepsToFirst() throws Exception {
      collected.finished();
      return tokens.getFirst() - submitted;
    }

    int longestGap() throws Exception {
      collected.finished();
      int longest = 0;
      for (int i = 1; i < tokens.size(); i++) {
        longest = Math.max(longest, tokens.get(i) - tokens.get(i - 1));
      }
      return longest;
    }
  }

  @Test
  void manyChoicesOfOneRequestLeaveTheOthersTheirSteps() throws Exception {
    try (Engine engine = engine(4, OptionalLong.empty())) {
      var many = Collected.from(engine.submit(request(200).choices(64).build()));
      Await.until("its choices wait", () -> engine.waiting() > 50);
      var one = new Stream(engine, 30);
      var other = new Stream(engine, 30);

      assertTrue(
          one.stepsToFirst() <= FIRST, "steps before the first token: " + one.stepsToFirst());
      assertTrue(
          other.stepsToFirst() <= FIRST, "steps before the first token: " + other.stepsToFirst());
      assertEquals(1, one.longestGap());
      assertEquals(1, other.longestGap());
      many.subscription().cancel();
    }
  }

  @Test
  void choicesOfTwoRequestsTakeTurns() throws Exception {
    try (Engine engine = engine(4, OptionalLong.empty())) {
      var many = Collected.from(engine.submit(request(200).choices(40).build()));
      Await.until("its choices wait", () -> engine.waiting() > 30);
      var few = Collected.from(engine.submit(request(20).choices(4).build()));

      few.finished();

      assertTrue(engine.waiting() > 16, "choices that still wait: " + engine.waiting());
      many.subscription().cancel();
    }
  }

  @Test
  void beamsLeaveEverySecondStepToTheOthers() throws Exception {
    var beams = new BeamParameters(4, 1, 1, EarlyStopping.HEURISTIC);
    try (Engine engine = engine(4, OptionalLong.empty())) {
      held = new CountDownLatch(1);
      var searches = new ArrayList<Collected>();
      for (int i = 0; i < 3; i++) {
        searches.add(Collected.from(engine.submit(request(100).beams(beams).build())));
      }
      Await.until("beams run", () -> engine.running() > 0);
      var stream = new Stream(engine, 60);
      held.countDown();

      assertTrue(
          stream.stepsToFirst() <= 2 * FIRST,
          "steps before the first token: " + stream.stepsToFirst());
      assertEquals(2, stream.longestGap());
      for (Collected search : searches) {
        assertEquals(FinishReason.LENGTH, search.finished().reason());
      }
    }
  }

  @Test
  void whenMemoryRunsOutTheRequestWithTheMostSequencesGivesItsOwn() throws Exception {
    try (Engine engine = engine(8, memoryForOneContext())) {
      held = new CountDownLatch(1);
      var many = Collected.from(engine.submit(request(150).choices(8).build()));
      Await.until("they run", () -> engine.running() > 0);
      var stream = new Stream(engine, 200);
      held.countDown();

      assertEquals(1, stream.longestGap());
      assertTrue(preemptions.get() > 0, "memory was never short");
      assertEquals(8 * 150, many.finished().usage().completionTokens());
    }
  }

  @Test
  void urgentRequestsDoNotStopAStreamThatRuns() throws Exception {
    try (Engine engine = engine(8, memoryForOneContext())) {
      held = new CountDownLatch(1);
      var stream = new Stream(engine, 300);
      Await.until("it runs", () -> engine.running() == 1);
      var urgent = new ArrayList<Collected>();
      for (int i = 0; i < 16; i++) {
        GenerationRequest request = request(150).priority(Integer.MIN_VALUE).build();
        urgent.add(Collected.from(engine.submit(request)));
      }
      held.countDown();

      assertEquals(1, stream.longestGap());
      assertTrue(preemptions.get() > 0, "memory was never short");
      for (Collected each : urgent) {
        assertEquals(150, each.finished().usage().completionTokens());
      }
    }
  }

  @Test
  void aReaderThatReadsAgainTakesNobodysPlace() throws Exception {
    try (Engine engine = engine(1, OptionalLong.empty())) {
      var slow = Collected.from(engine.submit(request(400).build()), 0, token -> {});
      Await.until("it waits for its reader", () -> engine.parked() == 1);
      held = new CountDownLatch(1);
      var stream = new Stream(engine, 300);
      Await.until("the other runs", () -> engine.running() == 2);
      slow.subscription().request(Long.MAX_VALUE);
      held.countDown();

      assertEquals(1, stream.longestGap());
      assertEquals(400, slow.finished().usage().completionTokens());
    }
  }

  private static OptionalLong memoryForOneContext() throws IOException {
    return OptionalLong.of(CONTEXT / 16 * StepLoopTest.blockBytes());
  }

  /** Each has a text of its own, so that no two share memory. */
  private GenerationRequest.Builder request(int maxTokens) {
    var sampling =
        SamplingParameters.builder().temperature(1).seed(++requests).ignoreEos(true).build();
    return GenerationRequest.forPrompt(5, 6, 7, 8).maxTokens(maxTokens).sampling(sampling);
  }

  private Engine engine(int slots, OptionalLong memory) {
    return Engine.open(
        "demo",
        new EngineOptions(
            CONTEXT,
            KvLayout.Type.F16,
            memory,
            OptionalInt.of(slots),
            16,
            Duration.ofSeconds(60),
            Speculation.OFF,
            listener));
  }
}
