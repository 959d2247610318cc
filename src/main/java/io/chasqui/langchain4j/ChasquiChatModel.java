package io.chasqui.langchain4j;

import dev.langchain4j.exception.InternalServerException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;

/**
 * LangChain4j's {@link ChatModel} in the same process. The engine belongs to the caller, who closes
 * it. Thread-safe.
 */
public final class ChasquiChatModel implements ChatModel {
  private final Conversations conversations;

  /** With the sampling that the model's own files recommend. */
  public ChasquiChatModel(Engine engine) {
    this(engine, DefaultChatRequestParameters.EMPTY);
  }

  /**
   * @param defaults what a request leaves open; a {@link ChasquiChatRequestParameters} can set a
   *     seed
   */
  public ChasquiChatModel(Engine engine, ChatRequestParameters defaults) {
    conversations = new Conversations(engine, defaults);
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return conversations.defaults();
  }

  /**
   * @throws dev.langchain4j.exception.InvalidRequestException if the model cannot take the request
   * @throws dev.langchain4j.exception.RateLimitException if too many requests wait already
   * @throws dev.langchain4j.exception.UnsupportedFeatureException if it asks for tools, JSON or
   *     images
   */
  @Override
  public ChatResponse doChat(ChatRequest request) {
    Generation generation = conversations.submit(request);
    try {
      return conversations.follow(generation, text -> {});
    } catch (InterruptedException e) {
      generation.cancel();
      Thread.currentThread().interrupt();
      throw new InternalServerException("interrupted while the model was answering", e);
    }
  }
}
