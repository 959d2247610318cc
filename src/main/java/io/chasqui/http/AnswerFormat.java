package io.chasqui.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.engine.FinishReason;
import io.chasqui.engine.Usage;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;

/** The JSON of one answer, whole or in chunks, as OpenAI's clients expect it. */
sealed interface AnswerFormat {
  /** The chunk before the first token, where the format has one. */
  Optional<Object> opening();

  /** A piece of the answer. */
  Object chunk(String text);

  /** The last chunk with a choice. */
  Object closing(FinishReason reason);

  /** The chunk without a choice that tells the usage. */
  Object usageChunk(Usage usage);

  /** The answer of a request that does not stream. */
  Object whole(String text, FinishReason reason, Usage usage);

  /**
   * What all chunks of one answer repeat.
   *
   * @param usageAsked whether chunks have a field {@code usage}, null but in the last one
   */
  record Head(String id, long created, String model, boolean usageAsked) {
    static Head of(String prefix, String model, boolean usageAsked) {
      String id = prefix + UUID.randomUUID().toString().replace("-", "");
      return new Head(id, Instant.now().getEpochSecond(), model, usageAsked);
    }

    /** Null leaves the field out; an empty value writes it as null. */
    private Optional<UsageBody> noUsage() {
      return usageAsked ? Optional.empty() : null;
    }
  }

  /** {@code usage}. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record UsageBody(
      int promptTokens,
      int completionTokens,
      int totalTokens,
      PromptDetails promptTokensDetails,
      CompletionDetails completionTokensDetails) {
    static UsageBody of(Usage usage) {
      return new UsageBody(
          usage.promptTokens(),
          usage.completionTokens(),
          usage.totalTokens(),
          new PromptDetails(usage.cachedTokens()),
          new CompletionDetails(usage.acceptedTokens(), usage.rejectedTokens()));
    }
  }

  /** {@code usage.prompt_tokens_details}. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record PromptDetails(int cachedTokens) {}

  /**
   * {@code usage.completion_tokens_details}: what became of tokens that were guessed. Rejected ones
   * are no part of {@code completion_tokens}.
   */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record CompletionDetails(int acceptedPredictionTokens, int rejectedPredictionTokens) {}

  /** The outermost object of every answer and chunk. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  record Envelope(
      String id,
      String object,
      long created,
      String model,
      List<?> choices,
      Optional<UsageBody> usage) {}

  private static String word(FinishReason reason) {
    return reason.name().toLowerCase(Locale.ROOT);
  }

  /** {@code /v1/chat/completions}. */
  record Chat(Head head) implements AnswerFormat {
    @JsonInclude(JsonInclude.Include.NON_NULL)
    private record Message(String role, String content) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    private record ChunkChoice(int index, Message delta, String finishReason) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    private record WholeChoice(int index, Message message, String finishReason) {}

    @Override
    public Optional<Object> opening() {
      return Optional.of(chunk(new ChunkChoice(0, new Message("assistant", ""), null)));
    }

    @Override
    public Object chunk(String text) {
      return chunk(new ChunkChoice(0, new Message(null, text), null));
    }

    @Override
    public Object closing(FinishReason reason) {
      return chunk(new ChunkChoice(0, new Message(null, null), word(reason)));
    }

    private Object chunk(ChunkChoice choice) {
      return envelope("chat.completion.chunk", List.of(choice), head.noUsage());
    }

    @Override
    public Object usageChunk(Usage usage) {
      return envelope("chat.completion.chunk", List.of(), Optional.of(UsageBody.of(usage)));
    }

    @Override
    public Object whole(String text, FinishReason reason, Usage usage) {
      var choice = new WholeChoice(0, new Message("assistant", text), word(reason));
      return envelope("chat.completion", List.of(choice), Optional.of(UsageBody.of(usage)));
    }

    private Envelope envelope(String object, List<?> choices, Optional<UsageBody> usage) {
      return new Envelope(head.id(), object, head.created(), head.model(), choices, usage);
    }
  }

  /** {@code /v1/completions}. */
  record Text(Head head) implements AnswerFormat {
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    private record TextChoice(int index, String text, Object logprobs, String finishReason) {}

    @Override
    public Optional<Object> opening() {
      return Optional.empty();
    }

    @Override
    public Object chunk(String text) {
      return envelope(List.of(new TextChoice(0, text, null, null)), head.noUsage());
    }

    @Override
    public Object closing(FinishReason reason) {
      return envelope(List.of(new TextChoice(0, "", null, word(reason))), head.noUsage());
    }

    @Override
    public Object usageChunk(Usage usage) {
      return envelope(List.of(), Optional.of(UsageBody.of(usage)));
    }

    @Override
    public Object whole(String text, FinishReason reason, Usage usage) {
      return envelope(
          List.of(new TextChoice(0, text, null, word(reason))), Optional.of(UsageBody.of(usage)));
    }

    private Envelope envelope(List<?> choices, Optional<UsageBody> usage) {
      return new Envelope(
          head.id(), "text_completion", head.created(), head.model(), choices, usage);
    }
  }
}
