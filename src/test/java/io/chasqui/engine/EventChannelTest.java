package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.engine.GenerationEvent.Token;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class EventChannelTest {
  static final GenerationEvent.Finished END =
      new GenerationEvent.Finished(
          FinishReason.STOP,
          1,
          new Usage(1, 1),
          new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO));

  private final AtomicInteger cancellations = new AtomicInteger();
  private final AtomicInteger rooms = new AtomicInteger();
  private final EventChannel channel =
      new EventChannel(3, 1, cancellations::incrementAndGet, rooms::incrementAndGet);

  @Test
  void theProducerIsAheadByTheCapacityAndNoMore() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertTrue(channel.put(token(i)));
    }
    assertFalse(channel.put(token(3)));

    var reader = new Reader();
    channel.subscribe(reader);
    reader.request(2);

    assertEquals(2, reader.events.size());
    assertTrue(channel.put(token(3)));
    assertTrue(channel.put(token(4)));
    assertFalse(channel.put(token(5)));
  }

  @Test
  void aFullChannelTellsOnceThatThereIsRoomAgain() throws Exception {
    fill();
    var reader = new Reader();
    channel.subscribe(reader);
    assertEquals(0, rooms.get());

    reader.request(1);
    reader.request(1);

    assertEquals(1, rooms.get());
    assertEquals(2, channel.room());
  }

  /** Waits for room, as the engine's loop does in its way; what is cancelled is not waited for. */
  static boolean put(EventChannel channel, GenerationEvent.Token token) {
    Await.until("there is room", () -> channel.room() > 0 || channel.isCancelled());
    return channel.put(token);
  }

  @Test
  void anEndNeverWaitsForRoom() throws Exception {
    fill();

    assertTimeoutPreemptively(Duration.ofSeconds(5), () -> channel.finish(List.of(), END));

    var reader = new Reader();
    channel.subscribe(reader);
    reader.request(Long.MAX_VALUE);
    assertEquals(List.of(token(0), token(1), token(2), END), reader.events);
    assertEquals(1, reader.completions.get());
  }

  @Test
  void aFailureNeverWaitsForRoomAndComesAfterTheTokens() throws Exception {
    fill();
    var cause = new IllegalStateException("broken");

    assertTimeoutPreemptively(Duration.ofSeconds(5), () -> channel.fail(cause, new Usage(1, 0)));

    var reader = new Reader();
    channel.subscribe(reader);
    reader.request(2);
    assertEquals(List.of(), reader.errors);
    reader.request(1);
    assertEquals(3, reader.events.size());
    assertEquals(List.of(cause), reader.errors);
    assertEquals(0, reader.completions.get());
  }

  @Test
  void onCancelIsRunOnceWhoeverCancels() {
    var reader = new Reader();
    channel.subscribe(reader);

    channel.cancel();
    reader.subscription.cancel();
    channel.cancel();

    assertEquals(1, cancellations.get());
  }

  @Test
  void aCancelledGenerationStillTellsItsEnd() {
    var reader = new Reader();
    channel.subscribe(reader);
    reader.request(5);

    channel.cancel();
    channel.finish(List.of(), END);

    assertEquals(List.of(END), reader.events);
    assertEquals(1, reader.completions.get());
  }

  @Test
  void aCancelledSubscriptionIsToldNothingMore() throws Exception {
    var reader = new Reader();
    channel.subscribe(reader);
    reader.request(5);

    reader.subscription.cancel();
    channel.put(token(0));
    channel.finish(List.of(), END);
    reader.request(1);

    assertEquals(List.of(), reader.events);
    assertEquals(0, reader.completions.get());
  }

  @Test
  void aSubscriberThatThrowsInOnNextIsTreatedAsGone() throws Exception {
    var calls = new AtomicInteger();
    channel.subscribe(
        new Reader(Long.MAX_VALUE) {
          @Override
          public void onNext(GenerationEvent event) {
            calls.incrementAndGet();
            throw new IllegalStateException("a careless subscriber");
          }
        });

    channel.put(token(0));
    channel.put(token(1));
    channel.finish(List.of(), END);

    assertEquals(1, calls.get());
    assertTrue(channel.isCancelled());
    assertEquals(1, cancellations.get());
  }

  @Test
  void anErrorOfASubscriberDoesNotReachTheProducer() throws Exception {
    channel.subscribe(
        new Reader(Long.MAX_VALUE) {
          @Override
          public void onNext(GenerationEvent event) {
            throw new StackOverflowError();
          }
        });

    channel.put(token(0));

    assertTrue(channel.isCancelled());
  }

  @Test
  void aSubscriberThatThrowsInOnSubscribeIsTreatedAsGone() throws Exception {
    var reader =
        new Reader() {
          @Override
          public void onSubscribe(Flow.Subscription subscription) {
            subscription.request(5);
            throw new IllegalStateException("a careless subscriber");
          }
        };

    channel.subscribe(reader);
    channel.put(token(0));

    assertTrue(channel.isCancelled());
    assertEquals(1, cancellations.get());
    assertEquals(List.of(), reader.events);
  }

  @Test
  void aSecondSubscriberIsRefusedAndTheFirstGoesOn() throws Exception {
    var first = new Reader(Long.MAX_VALUE);
    var second = new Reader(Long.MAX_VALUE);
    channel.subscribe(first);
    channel.subscribe(second);

    channel.put(token(0));
    channel.finish(List.of(), END);

    assertEquals(2, first.events.size());
    assertEquals(1, first.completions.get());
    assertEquals(List.of(), second.events);
    assertEquals(1, second.errors.size());
    assertInstanceOf(IllegalStateException.class, second.errors.getFirst());
  }

  @Test
  void noSubscriberIsRefusedAtOnce() {
    assertThrows(NullPointerException.class, () -> channel.subscribe(null));
    var reader = new Reader(1);
    channel.subscribe(reader); // the place is still free
    assertEquals(List.of(), reader.errors);
  }

  @Test
  void aWrongRequestIsToldBeforeAnythingElse() throws Exception {
    fill();
    var reader = new Reader();
    channel.subscribe(reader);

    reader.request(0);
    channel.put(token(3)); // the producer has not noticed yet
    channel.finish(List.of(), END);

    assertEquals(List.of(), reader.events);
    assertEquals(1, reader.errors.size());
    assertInstanceOf(IllegalArgumentException.class, reader.errors.getFirst());
    assertEquals(0, reader.completions.get());
    assertTrue(channel.isCancelled());
  }

  @Test
  void aWrongRequestIsToldEvenIfTheCancellationEndsTheAnswerAtOnce() {
    // As a request does that is cancelled while it waits for its turn.
    var holder = new EventChannel[1];
    holder[0] = new EventChannel(3, 1, () -> holder[0].finish(List.of(), END), () -> {});
    var reader = new Reader();
    holder[0].subscribe(reader);
    reader.request(10);

    reader.request(-1);

    assertEquals(1, reader.errors.size());
    assertEquals(0, reader.completions.get());
  }

  @Test
  void requestsInsideOnNextDoNotDeepenTheStack() throws Exception {
    int tokens = 50_000;
    var deep = new EventChannel(tokens, 1, () -> {}, () -> {});
    for (int i = 0; i < tokens; i++) {
      assertTrue(deep.put(token(i)));
    }
    deep.finish(List.of(), END);
    var reader =
        new Reader(1) {
          @Override
          public void onNext(GenerationEvent event) {
            super.onNext(event);
            subscription.request(1);
          }
        };

    deep.subscribe(reader);

    assertEquals(tokens + 1, reader.events.size());
  }

  @RepeatedTest(20)
  void eventsStayInOrderWhenManyThreadsAskForThem() throws Exception {
    int tokens = 2_000;
    var reader = new Reader();
    channel.subscribe(reader);
    var threads =
        IntStream.range(0, 4)
            .mapToObj(i ->
                Thread.ofPlatform()
                    .start(() -> {
                      for (int n = 0; n < tokens / 4 + 1; n++) {
                        reader.request(1);
                      }
                    }))
            .toList();

    for (int i = 0; i < tokens; i++) {
      assertTrue(put(channel, token(i)));
    }
    channel.finish(List.of(), END);

    for (Thread thread : threads) {
      thread.join();
    }
    assertTrue(reader.end.await(20, TimeUnit.SECONDS));
    assertEquals(
        IntStream.range(0, tokens).boxed().toList(),
        reader.events.stream()
            .filter(Token.class::isInstance)
            .map(event -> ((Token) event).index())
            .toList());
    assertEquals(END, reader.events.getLast());
    assertEquals(1, reader.completions.get());
  }

  @RepeatedTest(50)
  void subscribingWhileTheProducerRunsLosesNothing() throws Exception {
    int tokens = 200;
    var reader = new Reader(Long.MAX_VALUE);
    var producer =
        CompletableFuture.runAsync(() -> {
          for (int i = 0; i < tokens; i++) {
            assertTrue(put(channel, token(i)));
          }
          channel.finish(List.of(), END);
        });

    channel.subscribe(reader);

    producer.get(20, TimeUnit.SECONDS);
    assertTrue(reader.end.await(20, TimeUnit.SECONDS));
    assertEquals(tokens + 1, reader.events.size());
  }

  private void fill() throws InterruptedException {
    for (int i = 0; i < 3; i++) {
      assertTrue(channel.put(token(i)));
    }
  }

  static Token token(int index) {
    return new Token(0, index, index, "t" + index, Optional.empty(), Optional.empty());
  }

  /** Notes what it gets; the channel promises that this happens one call at a time. */
  private static class Reader implements Flow.Subscriber<GenerationEvent> {
    final List<GenerationEvent> events = new ArrayList<>();
    final List<Throwable> errors = new ArrayList<>();
    final AtomicInteger completions = new AtomicInteger();
    final CountDownLatch end = new CountDownLatch(1);
    private final long initialDemand;
    volatile Flow.Subscription subscription;

    Reader() {
      this(0);
    }

    Reader(long initialDemand) {
      this.initialDemand = initialDemand;
    }

    void request(long n) {
      subscription.request(n);
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      this.subscription = subscription;
      if (initialDemand > 0) {
        subscription.request(initialDemand);
      }
    }

    @Override
    public void onNext(GenerationEvent event) {
      events.add(event);
    }

    @Override
    public void onError(Throwable cause) {
      errors.add(cause);
      end.countDown();
    }

    @Override
    public void onComplete() {
      completions.incrementAndGet();
      end.countDown();
    }
  }
}
