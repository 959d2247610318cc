package io.chasqui.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.Content;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.exception.InvalidRequestException;
import dev.langchain4j.exception.RateLimitException;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.AdmissionException;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.sampling.SamplingParameters;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/** From LangChain4j's requests to the engine's, and back. */
record Conversations(Engine engine, ChatRequestParameters defaults) {

  /**
   * @throws InvalidRequestException if the model cannot take the request
   * @throws RateLimitException if too many requests wait already
   * @throws UnsupportedFeatureException if the request asks for what the engine does not have
   */
  Generation submit(ChatRequest request) {
    ChatRequestParameters parameters = request.parameters();
    refuseWhatIsNotImplemented(parameters);
    List<ChatMessage> messages = request.messages().stream().map(Conversations::message).toList();
    try {
      var generation =
          GenerationRequest.forPrompt(engine.promptFor(messages))
              .sampling(sampling(parameters))
              .stop(orElse(parameters.stopSequences(), List.of()))
              .maxTokens(orElse(parameters.maxOutputTokens(), GenerationRequest.NO_LIMIT));
      if (parameters instanceof ChasquiChatRequestParameters ours) {
        ours.speculation().ifPresent(generation::speculation);
      }
      return engine.submit(generation.build());
    } catch (IllegalArgumentException e) {
      throw new InvalidRequestException(e.getMessage(), e);
    } catch (AdmissionException e) {
      throw switch (e.status()) {
        case 429 -> new RateLimitException(e.getMessage(), e);
        case 503 -> new InternalServerException(e.getMessage(), e);
        default -> new InvalidRequestException(e.getMessage(), e);
      };
    }
  }

  private static void refuseWhatIsNotImplemented(ChatRequestParameters parameters) {
    if (!parameters.toolSpecifications().isEmpty()) {
      throw new UnsupportedFeatureException("Tools are not supported");
    }
    var format = parameters.responseFormat();
    if (format != null && format.type() != ResponseFormatType.TEXT) {
      throw new UnsupportedFeatureException("Only text is supported as response format");
    }
  }

  private SamplingParameters sampling(ChatRequestParameters parameters) {
    SamplingParameters recommended = engine.model().recommended();
    long seed =
        parameters instanceof ChasquiChatRequestParameters ours && ours.seed().isPresent()
            ? ours.seed().getAsLong()
            : ThreadLocalRandom.current().nextLong();
    return SamplingParameters.builder()
        .temperature(orElse(parameters.temperature(), recommended.temperature()))
        .topK(orElse(parameters.topK(), recommended.topK()))
        .topP(orElse(parameters.topP(), recommended.topP()))
        .frequencyPenalty(orElse(parameters.frequencyPenalty(), 0.0))
        .presencePenalty(orElse(parameters.presencePenalty(), 0.0))
        .seed(seed)
        .build();
  }

  private static <T> T orElse(T value, T otherwise) {
    return value != null ? value : otherwise;
  }

  private static ChatMessage message(dev.langchain4j.data.message.ChatMessage message) {
    return switch (message) {
      case SystemMessage system -> ChatMessage.system(system.text());
      case UserMessage user -> ChatMessage.user(text(user));
      case AiMessage ai when !ai.hasToolExecutionRequests() -> ChatMessage.assistant(ai.text());
      default ->
          throw new UnsupportedFeatureException(
              "Messages of type " + message.type() + " are not supported");
    };
  }

  private static String text(UserMessage message) {
    StringBuilder text = new StringBuilder();
    for (Content content : message.contents()) {
      if (!(content instanceof TextContent part)) {
        throw new UnsupportedFeatureException(
            "Content of type " + content.type() + " is not supported");
      }
      text.append(part.text());
    }
    return text.toString();
  }

  /**
   * Waits for the end of an answer on the caller's thread.
   *
   * @param onText given each piece of the answer
   */
  ChatResponse follow(Generation generation, Consumer<String> onText) throws InterruptedException {
    EventReader events = new EventReader(generation);
    StringBuilder answer = new StringBuilder();
    while (true) {
      switch (events.next()) {
        case Token token when token.text().isEmpty() -> {}
        case Token token -> {
          answer.append(token.text());
          onText.accept(token.text());
        }
        case Prompt prompt -> {} // not asked for
        case Finished end -> {
          return response(answer.toString(), end);
        }
      }
    }
  }

  ChatResponse response(String answer, Finished end) {
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(answer))
        .modelName(engine.model().name())
        .finishReason(
            switch (end.reason()) {
              case STOP -> FinishReason.STOP;
              case LENGTH, DEADLINE -> FinishReason.LENGTH;
              case CANCELLED, UNREAD, CLOSED -> FinishReason.OTHER;
            })
        .tokenUsage(new TokenUsage(end.usage().promptTokens(), end.usage().completionTokens()))
        .build();
  }
}
