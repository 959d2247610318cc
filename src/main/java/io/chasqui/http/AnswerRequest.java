package io.chasqui.http;

import io.chasqui.engine.GenerationRequest;
import io.chasqui.engine.ModelInfo;
import io.chasqui.engine.Speculation;
import java.util.List;
import java.util.Optional;

/**
 * What chat completions and plain completions have in common.
 *
 * @param model the name that the client asks for
 * @param stream whether to answer with server-sent events
 * @param includeUsage whether the stream ends with a chunk that tells the usage
 * @param maxTokens the most tokens of the answer, if the client sets a limit
 * @param sampling how to draw its tokens
 * @param stop texts before which the answer ends
 * @param speculation whether to guess tokens ahead, if the client says so
 */
record AnswerRequest(
    String model,
    boolean stream,
    boolean includeUsage,
    Optional<Integer> maxTokens,
    SamplingRequest sampling,
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
    SamplingRequest sampling = SamplingRequest.parse(body);
    maxTokens.ifPresent(sampling::requireRoomForMinTokens);
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
        sampling,
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
    for (String field : List.of("tools", "functions", "suffix")) {
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
    int limit = maxTokens.orElse(defaultMaxTokens);
    sampling.requireRoomForMinTokens(limit);
    var request =
        GenerationRequest.forPrompt(prompt)
            .sampling(sampling.toParameters(info.recommended(), info.vocabularySize()))
            .maxTokens(limit)
            .stop(stop);
    speculation.ifPresent(request::speculation);
    return request.build();
  }
}
