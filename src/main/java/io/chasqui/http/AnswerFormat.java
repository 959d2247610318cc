package io.chasqui.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.engine.FinishReason;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.Usage;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.tokenizer.Detokenizer;
import io.chasqui.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** The JSON of one answer, whole or in chunks, as OpenAI's clients expect it. */
sealed interface AnswerFormat {
  /** The answer's id. */
  String id();

  /** The chunks before the first token, where the format has them: as many of each choice. */
  List<Object> openings();

  /**
   * The chunks that tell what was asked of the prompt: as many of each choice, choice by choice.
   */
  List<Object> chunks(Prompt prompt);

  /** A piece of the answer. */
  Object chunk(Token token);

  /** The last chunk of a choice. */
  Object closing(int choice, FinishReason reason);

  /** The chunk without a choice that tells the usage. */
  Object usageChunk(Usage usage);

  /** The answer of a request that does not stream. */
  Object whole(List<WholeChoice> choices, Optional<Prompt> prompt, Usage usage);

  /** How many choices it has. */
  int choices();

  /**
   * One choice of an answer that does not stream.
   *
   * @param tokens those whose log probabilities are to be told
   */
  record WholeChoice(int index, String text, List<Token> tokens, FinishReason reason) {}

  /**
   * What all chunks of one answer repeat.
   *
   * @param choices how many choices there are
   * @param logprobs whether their log probabilities are told
   * @param usageAsked whether chunks have a field {@code usage}, null but in the last one
   */
  record Head(
      String id, long created, String model, int choices, boolean logprobs, boolean usageAsked) {
    static Head of(String prefix, AnswerRequest request) {
      return new Head(
          prefix + request.position().answer(),
          Integer.toUnsignedLong(request.position().created()),
          request.model(),
          request.choices().n(),
          request.logprobs().isPresent(),
          request.includeUsage());
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

  /** Of an answer that says {@code length} and was cut because its time was up; null of others. */
  private static String stopReason(FinishReason reason) {
    return reason == FinishReason.DEADLINE ? "timeout" : null;
  }

  private static String word(FinishReason reason) {
    return switch (reason) {
      case STOP -> "stop";
      // Clients know no other word for an answer that was cut.
      case LENGTH, DEADLINE -> "length";
      case CANCELLED, UNREAD, CLOSED ->
          throw new IllegalArgumentException("an answer that was cut is not finished");
    };
  }

  /** {@code /v1/chat/completions}. */
  record Chat(Head head, Tokenizer tokenizer) implements AnswerFormat {
    @JsonInclude(JsonInclude.Include.NON_NULL)
    private record Message(String role, String content) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    private record ChunkChoice(
        int index,
        Message delta,
        ChatLogprobs logprobs,
        String finishReason,
        @JsonInclude(JsonInclude.Include.NON_NULL) String stopReason) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    private record MessageChoice(
        int index,
        Message message,
        ChatLogprobs logprobs,
        String finishReason,
        @JsonInclude(JsonInclude.Include.NON_NULL) String stopReason) {}

    @Override
    public String id() {
      return head.id();
    }

    @Override
    public int choices() {
      return head.choices();
    }

    @Override
    public List<Object> openings() {
      return IntStream.range(0, head.choices())
          .mapToObj(i -> chunk(new ChunkChoice(i, new Message("assistant", ""), null, null, null)))
          .toList();
    }

    @Override
    public List<Object> chunks(Prompt prompt) {
      return List.of();
    }

    @Override
    public Object chunk(Token token) {
      var message = new Message(null, token.text());
      return chunk(new ChunkChoice(token.choice(), message, logprobs(List.of(token)), null, null));
    }

    @Override
    public Object closing(int choice, FinishReason reason) {
      return chunk(
          new ChunkChoice(choice, new Message(null, null), null, word(reason), stopReason(reason)));
    }

    private Object chunk(ChunkChoice choice) {
      return envelope("chat.completion.chunk", List.of(choice), head.noUsage());
    }

    @Override
    public Object usageChunk(Usage usage) {
      return envelope("chat.completion.chunk", List.of(), Optional.of(UsageBody.of(usage)));
    }

    @Override
    public Object whole(List<WholeChoice> choices, Optional<Prompt> prompt, Usage usage) {
      return envelope(
          "chat.completion", LazyList.of(choices, this::whole), Optional.of(UsageBody.of(usage)));
    }

    private MessageChoice whole(WholeChoice choice) {
      return new MessageChoice(
          choice.index(),
          new Message("assistant", choice.text()),
          logprobs(choice.tokens()),
          word(choice.reason()),
          stopReason(choice.reason()));
    }

    private ChatLogprobs logprobs(List<Token> tokens) {
      return head.logprobs() ? ChatLogprobs.of(tokens, tokenizer) : null;
    }

    private Envelope envelope(String object, List<?> choices, Optional<UsageBody> usage) {
      return new Envelope(head.id(), object, head.created(), head.model(), choices, usage);
    }
  }

  /** {@code /v1/completions}; its own state is where each choice is in its text. */
  final class Text implements AnswerFormat {
    /** How many of the prompt's tokens a chunk tells of. */
    private static final int PROMPT_TOKENS = 64;

    private final Head head;
    private final Tokenizer tokenizer;
    private final int[] prompt;

    /** The text of the prompt that precedes every choice; empty where it is not asked for. */
    private final String echo;

    /** The tokens of each choice so far; none where nobody wants to know their places. */
    private final Places[] places;

    /** Finds where in a text its tokens begin, be they held back or not. */
    private final class Places {
      private final Detokenizer detokenizer = tokenizer.newDetokenizer();
      private int offset;

      /**
       * @param offset where the first token begins
       */
      Places(int offset) {
        this.offset = offset;
      }

      TextLogprobs.Place next(int id, Optional<TokenLogprobs> logprobs) {
        var place = new TextLogprobs.Place(id, logprobs, offset);
        offset += detokenizer.append(id).length();
        return place;
      }

      List<TextLogprobs.Place> next(List<Token> tokens) {
        return tokens.stream()
            .filter(token -> !ChatLogprobs.isEndOfText(token, tokenizer))
            .map(token -> next(token.id(), token.logprobs()))
            .toList();
      }

      List<TextLogprobs.Place> ofPrompt(Prompt of) {
        return IntStream.range(0, prompt.length)
            .mapToObj(i -> next(prompt[i], of.logprobs().get(i)))
            .toList();
      }
    }

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    private record TextChoice(
        int index,
        String text,
        TextLogprobs logprobs,
        String finishReason,
        @JsonInclude(JsonInclude.Include.NON_NULL) String stopReason) {
      TextChoice(int index, String text, TextLogprobs logprobs) {
        this(index, text, logprobs, null, null);
      }
    }

    /**
     * @param prompt the prompt's token ids
     * @param echo the text of the prompt, where it precedes every choice; else empty
     */
    Text(Head head, Tokenizer tokenizer, int[] prompt, String echo) {
      this.head = head;
      this.tokenizer = tokenizer;
      this.prompt = prompt;
      this.echo = echo;
      places = new Places[head.logprobs() ? head.choices() : 0];
      Arrays.setAll(places, choice -> new Places(echo.length()));
    }

    @Override
    public String id() {
      return head.id();
    }

    @Override
    public int choices() {
      return head.choices();
    }

    /** The echo, unless it has to wait for its log probabilities. */
    @Override
    public List<Object> openings() {
      return echo.isEmpty() || head.logprobs()
          ? List.of()
          : new LazyList<>(head.choices(), i -> chunk(new TextChoice(i, echo, null)));
    }

    /** Few tokens in each, so that a chunk is small. */
    @Override
    public List<Object> chunks(Prompt of) {
      if (!head.logprobs()) {
        return List.of();
      }
      List<TextLogprobs.Place> all = new Places(0).ofPrompt(of);
      int ofEach = Math.ceilDiv(all.size(), PROMPT_TOKENS);
      return new LazyList<>(
          head.choices() * ofEach,
          i -> chunk(ofPrompt(i / ofEach, i % ofEach * PROMPT_TOKENS, all)));
    }

    /**
     * Some of the prompt's tokens.
     *
     * @param from the first of them
     */
    private TextChoice ofPrompt(int choice, int from, List<TextLogprobs.Place> all) {
      int to = Math.min(from + PROMPT_TOKENS, all.size());
      int end = to == all.size() ? echo.length() : all.get(to).offset();
      return new TextChoice(
          choice,
          echo.substring(all.get(from).offset(), end),
          TextLogprobs.of(all.subList(from, to), tokenizer));
    }

    @Override
    public Object chunk(Token token) {
      TextLogprobs logprobs =
          head.logprobs()
              ? TextLogprobs.of(places[token.choice()].next(List.of(token)), tokenizer)
              : null;
      return chunk(new TextChoice(token.choice(), token.text(), logprobs));
    }

    @Override
    public Object closing(int choice, FinishReason reason) {
      return chunk(new TextChoice(choice, "", null, word(reason), stopReason(reason)));
    }

    private Object chunk(TextChoice choice) {
      return envelope(List.of(choice), head.noUsage());
    }

    @Override
    public Object usageChunk(Usage usage) {
      return envelope(List.of(), Optional.of(UsageBody.of(usage)));
    }

    @Override
    public Object whole(List<WholeChoice> choices, Optional<Prompt> of, Usage usage) {
      return envelope(
          LazyList.of(choices, choice -> whole(choice, of)), Optional.of(UsageBody.of(usage)));
    }

    private TextChoice whole(WholeChoice choice, Optional<Prompt> of) {
      return new TextChoice(
          choice.index(),
          echo + choice.text(),
          head.logprobs() ? logprobs(choice, of) : null,
          word(choice.reason()),
          stopReason(choice.reason()));
    }

    private TextLogprobs logprobs(WholeChoice choice, Optional<Prompt> of) {
      List<TextLogprobs.Place> all = new ArrayList<>();
      of.ifPresent(asked -> all.addAll(new Places(0).ofPrompt(asked)));
      all.addAll(new Places(echo.length()).next(choice.tokens()));
      return TextLogprobs.of(all, tokenizer);
    }

    private Envelope envelope(List<?> choices, Optional<UsageBody> usage) {
      return new Envelope(
          head.id(), "text_completion", head.created(), head.model(), choices, usage);
    }
  }
}
