package io.chasqui.langchain4j;

import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Flow;

/** Takes a generation's events one by one on a thread that may block. */
final class EventReader {
  private sealed interface Signal {}

  private record Event(GenerationEvent event) implements Signal {}

  private record Failure(Throwable cause) implements Signal {}

  /** One event was asked for, and a failure can come unasked. */
  private final BlockingQueue<Signal> signals = new ArrayBlockingQueue<>(2);

  private Flow.Subscription subscription;

  EventReader(Generation generation) {
    generation.subscribe(
        new Flow.Subscriber<>() {
          @Override
          public void onSubscribe(Flow.Subscription given) {
            subscription = given;
          }

          @Override
          public void onNext(GenerationEvent event) {
            signals.add(new Event(event));
          }

          @Override
          public void onError(Throwable cause) {
            signals.add(new Failure(cause));
          }

          @Override
          public void onComplete() {
            // The last event says that it is the last.
          }
        });
  }

  /**
   * The next event; not to be called after {@link GenerationEvent.Finished}.
   *
   * @throws IllegalStateException if the generation has failed
   */
  GenerationEvent next() throws InterruptedException {
    subscription.request(1);
    return switch (signals.take()) {
      case Event(GenerationEvent event) -> event;
      case Failure(Throwable cause) -> throw new IllegalStateException("the model failed", cause);
    };
  }
}
