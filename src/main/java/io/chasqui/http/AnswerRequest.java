package io.chasqui.http;

import io.chasqui.engine.GenerationRequest;
import io.chasqui.engine.ModelInfo;
import io.chasqui.engine.Speculation;
import io.chasqui.sampling.SamplingParameters;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What chat completions and plain completions have in common.
 *
 * @param model the name that the client asks for
 * @param stream whether to answer with server-sent events
 * @param includeUsage whether the stream ends with a chunk that tells the usage
 * @param maxTokens the most tokens of the answer, if the client sets a limit
 * @param speculation whether to guess tokens ahead, if the client says so
 */
record AnswerRequest(
    String model,
    boolean stream,
    boolean includeUsage,
    Optional<Integer> maxTokens,
    Optional<Double> temperature,
    Optional<Double> topP,
    Optional<Integer> topK,
    Optional<Long> seed,
    List<String> stop,
    Optional<Speculation> speculation) {

  /** OpenAI allows 4; other servers' clients send more. */
  private static final int MOST_STOPS = 16;

  private static final int LONGEST_STOP = 1024;

  static AnswerRequest parse(JsonFields body) {
    refuseWhatIsNotImplemented(body);
    String model = body.requiredText("model", "name the model, as GET /v1/models lists it");
    boolean stream = body.flag("stream");
    Optional<JsonFields> streamOptions = body.object("stream_options");
    if (streamOptions.isPresent() && !stream) {
      throw ApiException.badRequest(
          "stream_options", "'stream_options' is only allowed together with \"stream\": true.");
    }
    Optional<Integer> maxTokens =
        body.integer("max_completion_tokens", 1, Integer.MAX_VALUE)
            .or(() -> body.integer("max_tokens", 1, Integer.MAX_VALUE))
            .map(Long::intValue);
    List<String> stop = body.oneOrMoreTexts("stop", MOST_STOPS);
    if (stop.stream().anyMatch(text -> text.length() > LONGEST_STOP)) {
      throw ApiException.badRequest(
          "stop", "A stop sequence must have at most %d characters.".formatted(LONGEST_STOP));
    }
    if (stop.stream().anyMatch(ApiException::hasLoneSurrogate)) {
      throw ApiException.badRequest(
          "stop", "A stop sequence must not begin or end in the middle of a character.");
    }
    return new AnswerRequest(
        model,
        stream,
        streamOptions.map(options -> options.flag("include_usage")).orElse(false),
        maxTokens,
        body.number("temperature", 0, SamplingParameters.MAX_TEMPERATURE),
        body.number("top_p", 0, 1),
        body.integer("top_k", -1, Integer.MAX_VALUE).map(Long::intValue),
        body.integer("seed", Long.MIN_VALUE, Long.MAX_VALUE),
        stop,
        speculation(body));
  }

  private static Optional<Speculation> speculation(JsonFields body) {
    Optional<String> word = body.text("speculation");
    Optional<Speculation> speculation = word.flatMap(Speculation::of);
    if (word.isPresent() && speculation.isEmpty()) {
      throw body.wrong("speculation", "one of " + String.join(", ", Speculation.words()));
    }
    return speculation;
  }

  /** To take such a field and not obey it would be a wrong answer that looks right. */
  private static void refuseWhatIsNotImplemented(JsonFields body) {
    for (String field : List.of("n", "best_of")) {
      if (body.integer(field, 1, 128).orElse(1L) != 1) {
        throw ApiException.unsupported(
            field, "Only one answer a request: leave '%s' out or set it to 1.".formatted(field));
      }
    }
    for (String field : List.of("frequency_penalty", "presence_penalty")) {
      if (body.number(field, -2, 2).orElse(0.0) != 0) {
        throw ApiException.unsupported(
            field, "'%s' is not supported; leave it out.".formatted(field));
      }
    }
    for (String field : List.of("tools", "functions", "logit_bias", "suffix")) {
      boolean isEmptyContainer = body.get(field).isContainerNode() && body.get(field).isEmpty();
      if (body.has(field) && !isEmptyContainer) {
        throw ApiException.unsupported(
            field, "'%s' is not supported; leave it out.".formatted(field));
      }
    }
    boolean logprobs = body.has("logprobs") && !body.get("logprobs").isBoolean();
    if (logprobs || body.get("logprobs").asBoolean() || body.has("top_logprobs")) {
      throw ApiException.unsupported("logprobs", "'logprobs' is not supported; leave it out.");
    }
    body.object("response_format")
        .flatMap(format -> format.text("type"))
        .filter(type -> !type.equals("text"))
        .ifPresent(type -> {
          throw ApiException.unsupported(
              "response_format", "Only {\"type\": \"text\"} is supported.");
        });
    if (body.flag("echo")) {
      throw ApiException.unsupported("echo", "'echo' is not supported; leave it out.");
    }
  }

  /** The request for the engine; what the client leaves open, the model's own files decide. */
  GenerationRequest toGeneration(int[] prompt, ModelInfo info, int defaultMaxTokens) {
    SamplingParameters recommended = info.recommended();
    var sampling =
        new SamplingParameters(
            temperature.orElse(recommended.temperature()),
            Math.max(0, topK.orElse(recommended.topK())),
            // top_p 0 is accepted by OpenAI and means: the most likely token only.
            Math.max(Double.MIN_VALUE, topP.orElse(recommended.topP())),
            seed.orElseGet(() -> ThreadLocalRandom.current().nextLong()));
    var request =
        GenerationRequest.forPrompt(prompt)
            .sampling(sampling)
            .maxTokens(maxTokens.orElse(defaultMaxTokens))
            .stop(stop);
    speculation.ifPresent(request::speculation);
    return request.build();
  }
}
