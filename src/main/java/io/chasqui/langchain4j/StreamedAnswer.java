package io.chasqui.langchain4j;

import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatModelStreamingEvent;
import dev.langchain4j.model.chat.response.CompleteResponse;
import dev.langchain4j.model.chat.response.PartialResponse;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import java.util.Objects;
import java.util.concurrent.Flow;

/** A conversation's next turn as a publisher: every subscriber submits a request of its own. */
record StreamedAnswer(Conversations conversations, ChatRequest request)
    implements Flow.Publisher<ChatModelStreamingEvent> {

  @Override
  public void subscribe(Flow.Subscriber<? super ChatModelStreamingEvent> subscriber) {
    Objects.requireNonNull(subscriber, "subscriber");
    Generation generation;
    try {
      generation = conversations.submit(request);
    } catch (RuntimeException e) {
      subscriber.onSubscribe(new NothingToAskFor());
      subscriber.onError(e);
      return;
    }
    generation.subscribe(new Translation(conversations, subscriber));
  }

  /** From the engine's events to LangChain4j's, with the subscriber's own demand. */
  private static final class Translation implements Flow.Subscriber<GenerationEvent> {
    private final Conversations conversations;
    private final Flow.Subscriber<? super ChatModelStreamingEvent> subscriber;
    private final StringBuilder answer = new StringBuilder();
    private Flow.Subscription subscription;

    Translation(
        Conversations conversations, Flow.Subscriber<? super ChatModelStreamingEvent> subscriber) {
      this.conversations = conversations;
      this.subscriber = subscriber;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      subscriber.onSubscribe(given);
    }

    @Override
    public void onNext(GenerationEvent event) {
      switch (event) {
        // A token without text is not an event here: another one makes up for it.
        case Token token when token.text().isEmpty() -> subscription.request(1);
        case Token token -> {
          answer.append(token.text());
          subscriber.onNext(new PartialResponse(token.text()));
        }
        case Prompt prompt -> {} // not asked for
        case Finished end ->
            subscriber.onNext(new CompleteResponse(conversations.response(answer.toString(), end)));
      }
    }

    @Override
    public void onError(Throwable cause) {
      subscriber.onError(cause);
    }

    @Override
    public void onComplete() {
      subscriber.onComplete();
    }
  }

  private record NothingToAskFor() implements Flow.Subscription {
    @Override
    public void request(long n) {}

    @Override
    public void cancel() {}
  }
}
