package io.chasqui.ops;

import io.chasqui.engine.Engine;
import io.chasqui.engine.EngineListener;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.MemoryPlan;
import io.chasqui.engine.ModelInfo;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/**
 * The engine's measurements under vLLM's names, words and buckets, which dashboards and autoscalers
 * know.
 */
@Singleton
public class EngineMetrics {
  private static final double[] TTFT_SECONDS = {
    .001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640,
    2560
  };
  private static final double[] ITL_SECONDS = {
    .01, .025, .05, .075, .1, .15, .2, .3, .4, .5, .75, 1, 2.5, 5, 7.5, 10, 20, 40, 80
  };
  private static final double[] REQUEST_SECONDS = {
    .3, .5, .8, 1, 1.5, 2, 2.5, 5, 10, 15, 20, 30, 40, 50, 60, 120, 240, 480, 960, 1920, 7680
  };

  private static final double[] BATCH_SIZES = {1, 2, 4, 8, 16, 32, 64};

  private static final List<String> ENDS = List.of("stop", "length", "abort", "error");

  private final MeterRegistry registry;
  private final Timer timeToFirstToken;
  private final Timer interTokenLatency;
  private final Timer endToEnd;
  private final Timer queueTime;
  private final Timer prefillTime;
  private final Timer decodeTime;
  private final Timer samplingTime;
  private final Counter promptTokens;
  private final Counter generationTokens;
  private final Counter prefixQueries;
  private final Counter prefixHits;
  private final Counter preemptions;
  private final Counter steps;
  private final Counter stepTokens;
  private final DistributionSummary stepSequences;
  private final Counter drafts;
  private final Counter draftedTokens;
  private final Counter acceptedTokens;

  EngineMetrics(MeterRegistry registry) {
    this.registry = registry;
    timeToFirstToken =
        timer("vllm:time_to_first_token", "From submission to the first token", TTFT_SECONDS);
    interTokenLatency = timer("vllm:inter_token_latency", "Between two tokens", ITL_SECONDS);
    endToEnd =
        timer("vllm:e2e_request_latency", "From submission to the last token", REQUEST_SECONDS);
    queueTime = timer("vllm:request_queue_time", "Waiting for a turn", REQUEST_SECONDS);
    prefillTime = timer("vllm:request_prefill_time", "Computing the prompt", REQUEST_SECONDS);
    decodeTime = timer("vllm:request_decode_time", "Computing the answer", REQUEST_SECONDS);
    samplingTime =
        timer(
            "chasqui_request_sampling_time",
            "Choosing tokens, of the time of the prompt and the answer",
            REQUEST_SECONDS);
    promptTokens = registry.counter("vllm:prompt_tokens");
    generationTokens = registry.counter("vllm:generation_tokens");
    prefixQueries = registry.counter("vllm:prefix_cache_queries");
    prefixHits = registry.counter("vllm:prefix_cache_hits");
    preemptions = registry.counter("vllm:num_preemptions");
    steps = registry.counter("chasqui_steps");
    stepTokens = registry.counter("chasqui_step_tokens");
    stepSequences =
        DistributionSummary.builder("chasqui_step_sequences")
            .description("Sequences that share a step")
            .serviceLevelObjectives(BATCH_SIZES)
            .register(registry);
    drafts = registry.counter("vllm:spec_decode_num_drafts");
    draftedTokens = registry.counter("vllm:spec_decode_num_draft_tokens");
    acceptedTokens = registry.counter("vllm:spec_decode_num_accepted_tokens");
    // From the start: a rate cannot see a series begin.
    ENDS.forEach(this::ended);
  }

  private Counter ended(String reason) {
    return registry.counter("vllm:request_success", "finished_reason", reason);
  }

  private Timer timer(String name, String description, double[] bucketsInSeconds) {
    return Timer.builder(name + "_seconds")
        .description(description)
        .serviceLevelObjectives(buckets(bucketsInSeconds))
        .register(registry);
  }

  static Duration[] buckets(double... seconds) {
    return Arrays.stream(seconds)
        .mapToObj(each -> Duration.ofNanos(Math.round(each * 1e9)))
        .toArray(Duration[]::new);
  }

  void observe(Engine engine) {
    Gauge.builder("vllm:num_requests_running", engine, Engine::running)
        .description("Answers that run now")
        .register(registry);
    Gauge.builder("vllm:num_requests_waiting", engine, Engine::waiting)
        .description("Answers that wait for their turn")
        .register(registry);
    Gauge.builder("chasqui_parked_streams", engine, Engine::parked)
        .description("Answers that run, but wait for their readers")
        .register(registry);
    Gauge.builder("vllm:kv_cache_usage_perc", engine, Engine::kvUsage)
        .description("The part of the memory for keys and values that is in use, from 0 to 1")
        .register(registry);
    ModelInfo model = engine.model();
    Gauge.builder("chasqui_context_tokens", model::contextLength)
        .description("Tokens that prompt and answer can have together")
        .register(registry);
    Gauge.builder("chasqui_sequences", model::sequences)
        .description("Sequences that run at once")
        .register(registry);
    model.memory().ifPresent(this::tell);
    Gauge.builder("chasqui.kernels.info", () -> 1)
        .description("The kernels that compute the forward pass")
        .tag("kernels", model.kernels())
        .register(registry);
  }

  private void tell(MemoryPlan memory) {
    memory.limit().ifPresent(limit -> memory("limit", limit));
    memory("weights", memory.weights());
    memory("heap", memory.heap());
    memory("program", memory.program());
    memory("keys_and_values", memory.keysAndValues());
  }

  private void memory(String part, long bytes) {
    Gauge.builder("chasqui_memory_plan_bytes", () -> bytes)
        .description("What the process may take of memory, decided at its start")
        .tag("part", part)
        .register(registry);
  }

  /**
   * What measures an engine.
   *
   * @param broke told when an error has ended the engine
   */
  EngineListener listener(ColdStart coldStart, Consumer<Throwable> broke) {
    return new EngineListener() {
      @Override
      public void loaded() {
        coldStart.ended(ColdStart.Phase.LOAD);
      }

      @Override
      public void firstToken(Duration sinceSubmission) {
        timeToFirstToken.record(sinceSubmission);
      }

      @Override
      public void nextToken(Duration sincePrevious) {
        interTokenLatency.record(sincePrevious);
      }

      @Override
      public void verified(int drafted, int accepted) {
        drafts.increment();
        draftedTokens.increment(drafted);
        acceptedTokens.increment(accepted);
      }

      @Override
      public void stepped(int sequences, int tokens) {
        steps.increment();
        stepTokens.increment(tokens);
        stepSequences.record(sequences);
      }

      @Override
      public void preempted() {
        preemptions.increment();
      }

      @Override
      public void finished(Finished end) {
        var timings = end.timings();
        queueTime.record(timings.queue());
        prefillTime.record(timings.prefill());
        decodeTime.record(timings.decode());
        samplingTime.record(timings.sampling());
        endToEnd.record(timings.timeToFirstToken().plus(timings.decode()));
        promptTokens.increment(end.usage().promptTokens());
        prefixQueries.increment(end.usage().promptTokens());
        prefixHits.increment(end.usage().cachedTokens());
        generationTokens.increment(end.usage().completionTokens());
        String reason =
            switch (end.reason()) {
              case STOP -> "stop";
              case LENGTH -> "length";
              case DEADLINE -> end.published() > 0 ? "length" : "abort";
              case CANCELLED, UNREAD, CLOSED -> "abort";
            };
        ended(reason).increment();
      }

      @Override
      public void failed(Throwable cause) {
        ended("error").increment();
      }

      @Override
      public void broke(Throwable cause) {
        broke.accept(cause);
      }
    };
  }
}
