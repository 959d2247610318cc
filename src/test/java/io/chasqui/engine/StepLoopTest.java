package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.chat.ChatMessage;
import io.chasqui.kernel.KvLayout;
import io.chasqui.model.Decoder;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.sampling.SamplingParameters;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Requests that share steps and memory get what they would get alone. */
class StepLoopTest {
  private static final int CONTEXT = 512;

  private final AtomicInteger preemptions = new AtomicInteger();
  private final AtomicInteger widest = new AtomicInteger();

  private final EngineListener listener =
      new EngineListener() {
        @Override
        public void stepped(int sequences, int tokens) {
          widest.accumulateAndGet(sequences, Math::max);
        }

        @Override
        public void preempted() {
          preemptions.incrementAndGet();
        }
      };

  @Test
  void anAnswerIsTheSameAloneAndAmongThirtyTwo() throws Exception {
    List<GenerationRequest> requests = requests(32, new SplittableRandom(1));
    List<Collected> alone = new ArrayList<>();
    try (Engine engine = engine(1, 32, OptionalLong.empty())) {
      for (GenerationRequest request : requests) {
        var answer = Collected.from(engine.submit(request));
        answer.finished();
        alone.add(answer);
      }
    }
    assertEquals(1, widest.get());

    try (Engine engine = engine(32, 32, OptionalLong.empty())) {
      assertSame(alone, together(engine, requests));
    }
    assertTrue(widest.get() > 16, "steps had " + widest + " sequences at most");
    assertEquals(0, preemptions.get());
  }

  @Test
  void withMemoryForATenthAllAnswersEndWithTheSameText() throws Exception {
    List<GenerationRequest> requests = requests(24, new SplittableRandom(2));
    List<Collected> plenty;
    try (Engine engine = engine(24, 24, OptionalLong.empty())) {
      plenty = together(engine, requests);
    }
    assertEquals(0, preemptions.get());

    // For one whole context, where all of them would take more than ten.
    long bytes = CONTEXT / 16 * blockBytes();
    try (Engine engine = engine(24, 24, OptionalLong.of(bytes))) {
      assertSame(plenty, together(engine, requests));
    }
    assertTrue(preemptions.get() > 0, "memory was never short");
  }

  @Test
  void aPromptThatWasComputedBeforeIsNotComputedAgain() throws Exception {
    try (Engine engine = engine(4, 4, OptionalLong.empty())) {
      int[] prompt = prompt(engine, "Tell me a story about a fox and a bear in the forest");
      GenerationRequest request = GenerationRequest.forPrompt(prompt).maxTokens(40).build();
      var first = Collected.from(engine.submit(request));
      first.finished();
      var second = Collected.from(engine.submit(request));

      assertEquals(0, first.finished().usage().cachedTokens());
      assertEquals((prompt.length - 1) / 16 * 16, second.finished().usage().cachedTokens());
      assertSame(List.of(first), List.of(second));
    }
  }

  @Test
  void whoeverLeavesOrReadsSlowlyLeavesNothingBehind() throws Exception {
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    try (Engine engine = engine(8, 400, OptionalLong.of(3L * CONTEXT / 16 * blockBytes()))) {
      List<GenerationRequest> requests = requests(300, random);
      List<Collected> read = new ArrayList<>();
      List<Integer> whole = new ArrayList<>();
      for (int i = 0; i < requests.size(); i++) {
        Generation generation = engine.submit(requests.get(i));
        switch (random.nextInt(10)) {
          case 0, 1, 2 -> {
            int at = random.nextInt(30);
            Collected.from(
                generation,
                Long.MAX_VALUE,
                token -> {
                  if (token.index() == at) {
                    generation.cancel();
                  }
                });
          }
          case 3 -> {
            var slow = Collected.from(generation, 1, token -> {});
            Thread.ofVirtual()
                .start(() -> {
                  for (int n = 0; n < CONTEXT; n++) {
                    LockSupport.parkNanos(100_000);
                    slow.subscription().request(1);
                  }
                });
            read.add(slow);
            whole.add(i);
          }
          default -> {
            read.add(Collected.from(generation));
            whole.add(i);
          }
        }
      }
      for (Collected answer : read) {
        answer.finished();
      }
      Await.until("nothing is left", () -> engine.running() == 0 && engine.waiting() == 0);

      // Those that were read are what they are alone, whatever happened beside them.
      for (int i = 0; i < 5; i++) {
        int one = random.nextInt(read.size());
        var again = Collected.from(engine.submit(requests.get(whole.get(one))));
        again.finished();
        assertEquals(again.text(), read.get(one).text(), "seed " + seed);
      }
    }
  }

  private Engine engine(int sequences, int queue, OptionalLong memory) {
    return Engine.open(
        "demo",
        new EngineOptions(
            CONTEXT,
            KvLayout.Type.F16,
            memory,
            OptionalInt.of(sequences),
            queue,
            Duration.ofSeconds(60),
            Speculation.OFF,
            listener));
  }

  /** Of all layers of the demo model: 2 heads' keys and values in half precision. */
  static long blockBytes() throws IOException {
    return blockBytes(KvLayout.Type.F16);
  }

  static long blockBytes(KvLayout.Type type) throws IOException {
    try (var model = new EmbeddedModel().packed()) {
      var config = model.config();
      return config.layers() * Decoder.kvLayout(config, type).blockBytes();
    }
  }

  /** Greedy and sampled, short and long, some with guessed tokens. */
  private static List<GenerationRequest> requests(int count, SplittableRandom random) {
    List<GenerationRequest> requests = new ArrayList<>();
    try (Engine engine = Engine.open("demo")) {
      for (int i = 0; i < count; i++) {
        int[] prompt =
            prompt(engine, "Tell me a story about a fox. ".repeat(1 + random.nextInt(12)));
        var request =
            GenerationRequest.forPrompt(prompt)
                .maxTokens(1 + random.nextInt(120))
                .sampling(
                    random.nextBoolean()
                        ? SamplingParameters.GREEDY
                        : new SamplingParameters(1, 40, 0.9, random.nextLong()));
        requests.add(
            random.nextInt(4) == 0
                ? request.speculation(Speculation.PROMPT_LOOKUP).build()
                : request.build());
      }
    }
    return requests;
  }

  private static int[] prompt(Engine engine, String text) {
    return engine.promptFor(List.of(ChatMessage.user(text)));
  }

  private static List<Collected> together(Engine engine, List<GenerationRequest> requests)
      throws Exception {
    List<Collected> answers = new ArrayList<>();
    for (GenerationRequest request : requests) {
      answers.add(Collected.from(engine.submit(request)));
    }
    for (Collected answer : answers) {
      answer.finished();
    }
    return answers;
  }

  private static void assertSame(List<Collected> expected, List<Collected> actual)
      throws Exception {
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).tokens(), actual.get(i).tokens(), "request " + i);
      assertEquals(expected.get(i).finished().reason(), actual.get(i).finished().reason());
    }
  }
}
