package io.chasqui.http;

import io.chasqui.engine.GenerationRequest;
import io.chasqui.engine.ModelInfo;
import io.chasqui.engine.Speculation;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * What chat completions and plain completions have in common.
 *
 * @param model the name that the client asks for
 * @param stream whether to answer with server-sent events
 * @param includeUsage whether the stream ends with a chunk that tells the usage
 * @param maxTokens the most tokens of each choice, if the client sets a limit
 * @param sampling how to draw its tokens
 * @param choices how many answers there are
 * @param stop texts before which a choice ends
 * @param logprobs of how many most likely tokens the log probabilities are told, if they are
 * @param echo whether a choice begins with its prompt
 * @param scheduling what it shares with others, and when it is its turn
 * @param speculation whether to guess tokens ahead, if the client says so
 * @param position where its stream begins
 */
record AnswerRequest(
    String model,
    boolean stream,
    boolean includeUsage,
    Optional<Integer> maxTokens,
    SamplingRequest sampling,
    ChoicesRequest choices,
    List<String> stop,
    Optional<Integer> logprobs,
    boolean echo,
    SchedulingRequest scheduling,
    Optional<Speculation> speculation,
    StreamPosition position) {

  /** OpenAI allows 4; other servers' clients send more. */
  private static final int MOST_STOPS = 16;

  private static final int LONGEST_STOP = 1024;

  /**
   * Reads them.
   *
   * @param lastEventId the last event that the client has of this request's stream; null if it is
   *     new
   * @throws ApiException if a value is wrong, or two of them contradict each other
   */
  static AnswerRequest parse(JsonFields body, Optional<Integer> logprobs, String lastEventId) {
    refuseWhatIsNotImplemented(body);
    String model = body.requiredText("model", "name the model, as GET /v1/models lists it");
    boolean stream = body.flag("stream");
    Optional<JsonFields> streamOptions = body.object("stream_options");
    if (streamOptions.isPresent() && !stream) {
      throw ApiException.badRequest(
          "stream_options", "'stream_options' is only allowed together with \"stream\": true.");
    }
    boolean echo = body.flag("echo");
    int leastTokens = echo ? 0 : 1; // an echo may be all that is wanted
    Optional<Integer> maxTokens = maxTokens(body, leastTokens);
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
    ChoicesRequest choices = ChoicesRequest.parse(body);
    return new AnswerRequest(
        model,
        stream,
        streamOptions.map(options -> options.flag("include_usage")).orElse(false),
        maxTokens,
        sampling,
        choices,
        stop,
        logprobs,
        echo,
        SchedulingRequest.parse(body),
        speculation(body),
        position(lastEventId, body.digest(), choices.n(), stream));
  }

  private static StreamPosition position(
      String lastEventId, int request, int choices, boolean stream) {
    if (lastEventId == null || lastEventId.isBlank()) {
      return StreamPosition.start(request, choices);
    }
    if (!stream) {
      throw ApiException.badRequest(
          StreamPosition.HEADER,
          "'%s' is only allowed together with \"stream\": true.".formatted(StreamPosition.HEADER));
    }
    return StreamPosition.parse(lastEventId, request, choices);
  }

  private static Optional<Integer> maxTokens(JsonFields body, int least) {
    Optional<Long> limit = body.integer("max_completion_tokens", least, Integer.MAX_VALUE);
    Optional<Long> older = body.integer("max_tokens", least, Integer.MAX_VALUE);
    if (limit.isPresent() && older.isPresent() && !limit.equals(older)) {
      throw ApiException.badRequest(
          "max_tokens",
          "'max_tokens' is %d, but 'max_completion_tokens', its newer name, is %d: leave one of them out."
              .formatted(older.get(), limit.get()));
    }
    return limit.or(() -> older).map(Long::intValue);
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
    for (String field : List.of("tools", "functions", "suffix")) {
      boolean isEmptyContainer = body.get(field).isContainerNode() && body.get(field).isEmpty();
      if (body.has(field) && !isEmptyContainer) {
        throw ApiException.unsupported(
            field, "'%s' is not supported; leave it out.".formatted(field));
      }
    }
    body.object("response_format")
        .flatMap(format -> format.text("type"))
        .filter(type -> !type.equals("text"))
        .ifPresent(type -> {
          throw ApiException.unsupported(
              "response_format", "Only {\"type\": \"text\"} is supported.");
        });
  }

  /**
   * The request for the engine; what the client leaves open, the model's own files decide.
   *
   * @param priority what its key makes of what it asks for
   * @param owner whose it is
   */
  GenerationRequest toGeneration(
      int[] prompt,
      ModelInfo info,
      int defaultMaxTokens,
      int priority,
      String owner,
      Optional<Duration> timeout) {
    int limit = maxTokens.orElse(defaultMaxTokens);
    sampling.requireRoomForMinTokens(limit);
    var request =
        GenerationRequest.forPrompt(prompt)
            .sampling(
                sampling.toParameters(
                    info.recommended(),
                    info.vocabularySize(),
                    choices.beams().isPresent(),
                    position.seed()))
            .maxTokens(limit)
            .stop(stop)
            .priority(priority)
            .owner(owner);
    choices.applyTo(request);
    scheduling.applyTo(request);
    logprobs.ifPresent(request::logprobs);
    if (echo && (logprobs.isPresent() || limit == 0)) {
      request.promptLogprobs();
    }
    speculation.ifPresent(request::speculation);
    timeout.ifPresent(request::timeout);
    return request.build();
  }
}
