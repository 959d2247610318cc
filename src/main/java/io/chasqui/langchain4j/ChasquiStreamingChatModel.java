package io.chasqui.langchain4j;

import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.DefaultChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.PartialResponse;
import dev.langchain4j.model.chat.response.PartialResponseContext;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.chat.response.StreamingHandle;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;
import java.util.concurrent.Flow;

/**
 * LangChain4j's {@link StreamingChatModel} in the same process. The engine belongs to the caller,
 * who closes it. Thread-safe.
 *
 * <p>A handler is called on a virtual thread of its own and may block: the engine then computes
 * ahead by a bounded number of tokens and waits.
 */
public final class ChasquiStreamingChatModel implements StreamingChatModel {
  private final Conversations conversations;

  /** With the sampling that the model's own files recommend. */
  public ChasquiStreamingChatModel(Engine engine) {
    this(engine, DefaultChatRequestParameters.EMPTY);
  }

  /**
   * @param defaults what a request leaves open; a {@link ChasquiChatRequestParameters} can set a
   *     seed
   */
  public ChasquiStreamingChatModel(Engine engine, ChatRequestParameters defaults) {
    conversations = new Conversations(engine, defaults);
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return conversations.defaults();
  }

  /** Returns at once; a refusal goes to the handler's {@code onError} like every other failure. */
  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    Thread.ofVirtual().name("chasqui-handler").start(() -> answer(request, handler));
  }

  /**
   * The same as a publisher that honours demand; its events come on the engine's own thread, so a
   * subscriber must not block.
   */
  @Override
  public Flow.Publisher<ChatModelStreamingEvent> doChat(ChatRequest request) {
    return new StreamedAnswer(conversations, request);
  }

  private void answer(ChatRequest request, StreamingChatResponseHandler handler) {
    Generation generation = null;
    try {
      generation = conversations.submit(request);
      var context = new PartialResponseContext(new Handle(generation));
      handler.onCompleteResponse(
          conversations.follow(
              generation, text -> handler.onPartialResponse(new PartialResponse(text), context)));
    } catch (InterruptedException | RuntimeException e) {
      if (generation != null) {
        generation.cancel();
      }
      handler.onError(e);
    }
  }

  private static final class Handle implements StreamingHandle {
    private final Generation generation;
    private volatile boolean cancelled;

    Handle(Generation generation) {
      this.generation = generation;
    }

    @Override
    public void cancel() {
      cancelled = true;
      generation.cancel();
    }

    @Override
    public boolean isCancelled() {
      return cancelled;
    }
  }
}
