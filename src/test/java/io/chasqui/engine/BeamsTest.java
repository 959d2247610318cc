package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.kernel.KvLayout;
import io.chasqui.sampling.BeamParameters;
import io.chasqui.sampling.EarlyStopping;
import io.chasqui.sampling.SamplingParameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Beams that run in the step loop find what a search without shared memory finds. */
@Timeout(120)
class BeamsTest {
  private static Engine engine;
  private static int[] prompt;

  private final AtomicInteger preemptions = new AtomicInteger();

  /** Of a test's own engine; those who come before it is opened run together. */
  private final Gate together =
      new Gate() {
        @Override
        public void preempted() {
          preemptions.incrementAndGet();
        }
      };

  @BeforeAll
  static void open() {
    engine = Engine.open("demo");
    prompt = prompt("Tell me a story about a fox and a bear.");
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5})
  void theyFindWhatASearchThatScoresEveryPrefixAfreshFinds(int beams) throws Exception {
    int maxTokens = 6;
    var found =
        finished(
            engine,
            GenerationRequest.forPrompt(prompt)
                .maxTokens(maxTokens)
                .sampling(SamplingParameters.builder().ignoreEos(true).build())
                .beams(new BeamParameters(beams, beams, 1, EarlyStopping.HEURISTIC))
                .logprobs(0)
                .build());

    List<Candidate> expected = search(beams, maxTokens);
    for (int i = 0; i < beams; i++) {
      assertArrayEquals(expected.get(i).tokens(), ids(found.tokens(i)), "hypothesis " + i);
      double sum =
          found.tokens(i).stream().mapToDouble(t -> t.logprobs().orElseThrow().chosen()).sum();
      assertEquals(expected.get(i).score(), sum, 1e-4);
    }
  }

  @SuppressWarnings("ArrayRecordComponent")
  private record Candidate(int[] tokens, double score) {}

  /** Beam search as it is told in a textbook, without an end of text. */
  private static List<Candidate> search(int beams, int maxTokens) throws Exception {
    List<Candidate> live = List.of(new Candidate(new int[0], 0));
    for (int length = 0; length < maxTokens; length++) {
      List<Candidate> all = new ArrayList<>();
      for (Candidate each : live) {
        int[] text =
            IntStream.concat(Arrays.stream(prompt), Arrays.stream(each.tokens())).toArray();
        var next =
            finished(
                engine,
                GenerationRequest.forPrompt(text)
                    .maxTokens(1)
                    .logprobs(GenerationRequest.MOST_LOGPROBS)
                    .build());
        var logprobs = next.tokens().getFirst().logprobs().orElseThrow();
        for (int i = 0; i < 2 * beams; i++) {
          int[] longer = Arrays.copyOf(each.tokens(), length + 1);
          longer[length] = logprobs.topIds()[i];
          all.add(new Candidate(longer, each.score() + logprobs.topLogprobs()[i]));
        }
      }
      all.sort((a, b) -> Double.compare(b.score(), a.score()));
      live = all.subList(0, beams);
    }
    return live;
  }

  @Test
  void theBestIsNoLessLikelyThanTheGreedyAnswer() throws Exception {
    var greedy = finished(engine, request().logprobs(0).build());
    var best =
        finished(
            engine,
            request().logprobs(0).beams(new BeamParameters(8, 1, 0, EarlyStopping.NEVER)).build());

    assertTrue(logprob(best) >= logprob(greedy), logprob(best) + " < " + logprob(greedy));
    assertFalse(best.text().isBlank());
    assertEquals(best.tokens().size(), best.finished().published());
  }

  private static double logprob(Collected answer) {
    return answer.tokens().stream()
        .mapToDouble(token -> token.logprobs().orElseThrow().chosen())
        .sum();
  }

  @Test
  void theyAreTheSameAloneBesideOthersAndWithLittleMemory() throws Exception {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      int[] own = prompt(i + " times: " + "Tell me a story about a fox. ".repeat(4 + i));
      var request =
          GenerationRequest.forPrompt(own)
              .maxTokens(40)
              .sampling(new SamplingParameters(i % 2, 0, 1, i));
      requests.add(
          i % 3 == 2
              ? request.choices(3).build()
              : request.beams(new BeamParameters(2 + i % 3, 2, 1, EarlyStopping.NEVER)).build());
    }
    List<Collected> alone = new ArrayList<>();
    for (GenerationRequest request : requests) {
      alone.add(finished(engine, request));
    }
    // For one context: of ten requests that would take more than ten.
    try (Engine own = engine(12, OptionalLong.of(512 / 16 * StepLoopTest.blockBytes()))) {
      List<Collected> answers = requests.stream().map(own::submit).map(Collected::from).toList();
      together.open();
      for (int i = 0; i < requests.size(); i++) {
        answers.get(i).finished();
        for (int choice = 0; choice < 3; choice++) {
          assertEquals(alone.get(i).tokens(choice), answers.get(i).tokens(choice), "request " + i);
        }
      }
      Await.until("all memory is back", () -> own.kvUsage() == 0);
    }
    assertTrue(preemptions.get() > 0, "memory was never short");
  }

  @Test
  void aPromptOfOneTokenIsEnough() throws Exception {
    var beams = new BeamParameters(3, 3, 1, EarlyStopping.HEURISTIC);
    var request = GenerationRequest.forPrompt(prompt[0]).maxTokens(5).beams(beams).build();
    var found = finished(engine, request);
    for (int choice = 0; choice < 3; choice++) {
      assertFalse(found.tokens(choice).isEmpty(), "choice " + choice);
    }
  }

  /** What a search is admitted for is enough to begin it again, whatever it shares with others. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aSearchThatJustFitsGoesOnAfterItGaveItsMemoryToAnother(boolean cachesPrompt)
      throws Exception {
    int beams = 4;
    int[] text = prompt("Tell me a story about a fox. ".repeat(30));
    int[] begin = Arrays.copyOf(text, 240);
    var request =
        GenerationRequest.forPrompt(begin)
            .maxTokens((512 - begin.length) / beams - 2 * 16)
            .sampling(SamplingParameters.builder().ignoreEos(true).build())
            .beams(new BeamParameters(beams, beams, 1, EarlyStopping.NEVER));
    var expected = finished(engine, request.build());
    if (!cachesPrompt) {
      request.withoutPromptCache();
    }
    // It begins with 13 of 32 blocks and needs more soon; the search takes 15, and one a beam.
    var before =
        GenerationRequest.forPrompt(Arrays.copyOfRange(text, 1, 201))
            .maxTokens(60)
            .sampling(SamplingParameters.builder().ignoreEos(true).build())
            .build();
    try (Engine own = engine(beams + 1, OptionalLong.of(512 / 16 * StepLoopTest.blockBytes()))) {
      var first = Collected.from(own.submit(before));
      var search = Collected.from(own.submit(request.build()));
      together.open();
      search.finished();
      first.finished();
      for (int choice = 0; choice < beams; choice++) {
        assertEquals(expected.tokens(choice), search.tokens(choice), "choice " + choice);
      }
    }
    assertTrue(preemptions.get() > 0, "memory was never short");
  }

  @Test
  void aStopSequenceEndsAHypothesisAndIsNoPartOfIt() throws Exception {
    var beams = new BeamParameters(3, 1, 1, EarlyStopping.WHEN_FULL);
    String whole = finished(engine, request().beams(beams).build()).text();
    String stop = whole.substring(8, 11);
    var stopped = finished(engine, request().stop(List.of(stop)).beams(beams).build());

    assertFalse(stopped.text().contains(stop), stopped.text());
    assertEquals(FinishReason.STOP, stopped.tokens().getLast().end().orElseThrow());
  }

  @Test
  void cancellingGivesTheirMemoryBack() throws Exception {
    var generation =
        engine.submit(
            GenerationRequest.forPrompt(prompt)
                .sampling(SamplingParameters.builder().ignoreEos(true).build())
                .maxTokens(400)
                .beams(new BeamParameters(4))
                .build());
    var answer = Collected.from(generation);
    Await.until("they run", () -> engine.kvUsage() > 0);
    generation.cancel();

    assertEquals(FinishReason.CANCELLED, answer.finished().reason());
    assertEquals(List.of(), answer.tokens());
    Await.until("memory is back", () -> engine.kvUsage() == 0);
  }

  @Test
  void whatCouldNeverFitIsRefused() throws Exception {
    try (Engine own = engine(4, OptionalLong.of(512 / 16 * StepLoopTest.blockBytes()))) {
      var tooWide =
          assertThrows(
              AdmissionException.class,
              () -> own.submit(request().beams(new BeamParameters(5)).build()));
      assertEquals("num_beams", tooWide.parameter().orElseThrow());
      var tooLong =
          assertThrows(
              AdmissionException.class,
              () -> own.submit(request().maxTokens(200).beams(new BeamParameters(4)).build()));
      assertEquals(413, tooLong.status());
      assertTrue(tooLong.getMessage().contains("'max_tokens' to at most"), tooLong.getMessage());
    }
  }

  @Test
  void whatBeamsDoNotGiveIsRefused() {
    var beams = new BeamParameters(2);
    assertThrows(IllegalArgumentException.class, () -> request().beams(beams).choices(2).build());
    assertThrows(IllegalArgumentException.class, () -> request().beams(beams).bestOf(2).build());
    assertThrows(
        IllegalArgumentException.class, () -> request().beams(beams).promptLogprobs().build());
  }

  private static GenerationRequest.Builder request() {
    return GenerationRequest.forPrompt(prompt).maxTokens(40);
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
            together));
  }

  private static Collected finished(Engine engine, GenerationRequest request) throws Exception {
    var answer = Collected.from(engine.submit(request));
    answer.finished();
    return answer;
  }

  private static int[] ids(List<Token> tokens) {
    return tokens.stream().mapToInt(Token::id).toArray();
  }

  private static int[] prompt(String text) {
    return engine.promptFor(List.of(ChatMessage.user(text)));
  }
}
