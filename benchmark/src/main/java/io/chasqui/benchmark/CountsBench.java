package io.chasqui.benchmark;

import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Quantity;
import io.chasqui.benchmark.results.ResultOptions;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.results.Subject;
import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.Engine;
import io.chasqui.engine.EngineListener;
import io.chasqui.engine.EngineOptions;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.engine.ModelInfo;
import io.chasqui.engine.Speculation;
import io.chasqui.engine.Usage;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.sampling.SamplingParameters;
import io.smallrye.mutiny.Multi;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Counts what the engine does for some requests to the demo model. The same program comes to the
 * same counts on every machine, whatever else runs there, so that a build can be held to them.
 */
@Command(
    name = "chasqui bench counts",
    description =
        "Counts tokens, steps, bytes and blocks of the demo model; the same on any machine.",
    sortOptions = false,
    mixinStandardHelpOptions = true)
final class CountsBench implements Callable<Integer> {
  private static final String SUBJECT = "engine";
  private static final Logger LOG = Logger.getLogger("io.chasqui");

  private static final Quantity PROMPT = Quantity.exact("tokens of prompts");
  private static final Quantity CACHED = Quantity.exact("those of them from the prefix cache");
  private static final Quantity ANSWER = Quantity.exact("tokens of answers");
  private static final Quantity DRAFTED = Quantity.exact("tokens guessed ahead");
  private static final Quantity ACCEPTED = Quantity.exact("those of them that were right");
  private static final Quantity STEPS = Quantity.exact("steps");
  private static final Quantity COMPUTED = Quantity.exact("tokens computed in them");
  private static final Quantity WEIGHTS = Quantity.exact("bytes of weights read, a pass each step");
  private static final Quantity KV = Quantity.exact("bytes of keys and values at most");
  private static final Quantity SUM = Quantity.exact("sum of the answers' token ids");

  private static final String STORY =
      "Once there was a hen who lived beside a river. Each morning she walked to the water, looked"
          + " at the far bank and wondered who lived there. ";

  /** Requests that are sent one after the other, so that no step depends on when one came. */
  private record Work(
      String name, List<String> prompts, UnaryOperator<GenerationRequest.Builder> how) {}

  private static final List<Work> ALL =
      List.of(
          new Work(
              "short chats",
              List.of(
                  "Hello!",
                  "Tell me a story about a fox",
                  "What is the capital of Japan?",
                  "Count to five."),
              request -> request.maxTokens(40)),
          new Work(
              "prompts that begin alike",
              List.of(STORY + "Who lived there?", STORY + "What did she see?", STORY + "The end?"),
              request -> request.maxTokens(16)),
          new Work(
              "eight choices, sampled",
              List.of("Tell me a story about a fox"),
              request ->
                  request
                      .choices(8)
                      .maxTokens(32)
                      .sampling(new SamplingParameters(0.9, 40, 0.95, 7))),
          new Work(
              "answers that repeat their prompt, guessed ahead",
              List.of("Say it again: " + STORY),
              request -> request.maxTokens(60).speculation(Speculation.PROMPT_LOOKUP)));

  @Mixin private ResultOptions output = new ResultOptions();

  /** Runs the command line. */
  public static void main(String... args) {
    LOG.setLevel(Level.WARNING);
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return Tool.commandLine(new CountsBench());
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    output.tell(run(Machine.environment()), System.out);
    return 0;
  }

  static Results run(Environment environment) {
    Results.Builder results = Results.begin("counts", 7, environment);
    ALL.forEach(work -> count(work, results));
    return results.build();
  }

  /** What a listener is told. */
  private static final class Steps implements EngineListener {
    private final AtomicLong steps = new AtomicLong();
    private final AtomicLong tokens = new AtomicLong();

    @Override
    public void stepped(int sequences, int tokens) {
      steps.incrementAndGet();
      this.tokens.addAndGet(tokens);
    }
  }

  private static void count(Work work, Results.Builder results) {
    var steps = new Steps();
    var counter = new Counter();
    ModelInfo model;
    // An engine for each, closed before its steps are read: the last one is told after its tokens.
    try (Engine engine =
        Engine.open(EmbeddedModel.NAME, EngineOptions.DEFAULTS.withListener(steps))) {
      model = engine.model();
      for (String prompt : work.prompts()) {
        int[] ids = engine.promptFor(List.of(new ChatMessage("user", prompt)));
        GenerationRequest request = work.how().apply(GenerationRequest.forPrompt(ids)).build();
        counter.follow(engine, engine.submit(request));
      }
    }
    long weights = model.memory().orElseThrow().weights();
    results.subject(
        Subject.of(SUBJECT, "Chasqui").with(model.name(), digest(), weights, "", "f16"));
    add(results, work, PROMPT, counter.prompt);
    add(results, work, CACHED, counter.cached);
    add(results, work, ANSWER, counter.answer);
    add(results, work, DRAFTED, counter.drafted);
    add(results, work, ACCEPTED, counter.accepted);
    add(results, work, STEPS, steps.steps.get());
    add(results, work, COMPUTED, steps.tokens.get());
    add(results, work, WEIGHTS, steps.steps.get() * weights);
    add(
        results,
        work,
        KV,
        Math.round(counter.mostUsed * model.memory().orElseThrow().keysAndValues()));
    add(results, work, SUM, counter.sum);
  }

  private static String digest() {
    try (var model = new EmbeddedModel().packed()) {
      return model.weightsDigest();
    }
  }

  private static void add(Results.Builder results, Work work, Quantity quantity, long count) {
    results.add(work.name(), quantity, SUBJECT, count);
  }

  /** What generations tell. */
  private static final class Counter {
    private long prompt;
    private long cached;
    private long answer;
    private long drafted;
    private long accepted;
    private long sum;
    private double mostUsed;

    void follow(Engine engine, Generation generation) {
      List<GenerationEvent> events =
          Multi.createFrom()
              .publisher(generation)
              .invoke(event -> mostUsed = Math.max(mostUsed, engine.kvUsage()))
              .collect()
              .asList()
              .await()
              .indefinitely();
      events.forEach(this::take);
    }

    private void take(GenerationEvent event) {
      switch (event) {
        case GenerationEvent.Prompt _ -> {}
        case Token token -> sum += token.id();
        case Finished end -> take(end.usage());
      }
    }

    private void take(Usage usage) {
      prompt += usage.promptTokens();
      cached += usage.cachedTokens();
      answer += usage.completionTokens();
      drafted += usage.draftedTokens();
      accepted += usage.acceptedTokens();
    }
  }
}
