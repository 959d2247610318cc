package io.chasqui.engine;

import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The bounded way of one answer from the engine's thread to its one subscriber, by the rules of
 * Reactive Streams (numbers in brackets). The producer adds nothing while the channel is full;
 * events are delivered by whoever made a delivery possible, the producer or the subscriber that
 * asked for more, one at a time.
 */
final class EventChannel implements Generation {
  private static final System.Logger LOG = System.getLogger(EventChannel.class.getName());

  private final Queue<GenerationEvent> events = new ConcurrentLinkedQueue<>();

  /** Places for tokens; the last event needs none, so that an end never waits for a reader. */
  private final AtomicInteger room;

  private final AtomicBoolean taken = new AtomicBoolean();
  private final AtomicLong demand = new AtomicLong();

  /** Counts reasons to deliver; who raises it from zero delivers on behalf of all. */
  private final AtomicInteger wakeups = new AtomicInteger();

  private volatile Flow.Subscriber<? super GenerationEvent> subscriber;

  /** No further token is wanted. */
  private final AtomicBoolean cancelled = new AtomicBoolean();

  /** No further signal is wanted, or the last one was given. */
  private volatile boolean silent;

  /** Nothing will be added to the events. */
  private volatile boolean ended;

  private volatile Throwable failure;

  /** What the subscriber did against the rules; it is told before any further event [3.9]. */
  private volatile IllegalArgumentException violation;

  private final CompletableFuture<Usage> usage = new CompletableFuture<>();

  private final int step;
  private final Runnable onCancel;
  private final Runnable onRoom;

  /**
   * @param capacity tokens that may be ahead of the subscriber
   * @param step tokens that the producer adds at a time, as a rule
   * @param onCancel run once, by whoever cancels
   * @param onRoom run when a channel that had no room for a step has it again, by whoever made it
   */
  EventChannel(int capacity, int step, Runnable onCancel, Runnable onRoom) {
    room = new AtomicInteger(capacity);
    this.step = step;
    this.onCancel = onCancel;
    this.onRoom = onRoom;
  }

  /** Tokens that can be handed over now. */
  int room() {
    return room.get();
  }

  /** Whether the producer should stop. */
  boolean isCancelled() {
    return cancelled.get();
  }

  /** Hands a token over; false, and nothing is done, if there is no room. */
  boolean put(GenerationEvent.Token token) {
    if (room.get() == 0) {
      return false;
    }
    room.decrementAndGet(); // one producer alone takes room
    events.add(token);
    deliver();
    return true;
  }

  /** Hands over what comes before the first token and needs no room. */
  void put(GenerationEvent.Prompt prompt) {
    events.add(prompt);
    deliver();
  }

  /**
   * Hands over the end.
   *
   * @param rest tokens that come with it, and wait for the reader however many they are
   */
  void finish(List<GenerationEvent.Token> rest, GenerationEvent.Finished last) {
    usage.complete(last.usage());
    events.addAll(rest);
    events.add(last);
    ended = true;
    deliver();
  }

  /**
   * Ends with a failure.
   *
   * @param taken what the request has taken until now
   */
  void fail(Throwable cause, Usage taken) {
    usage.complete(taken);
    failure = cause;
    ended = true;
    deliver();
  }

  @Override
  public void cancel() {
    if (cancelled.compareAndSet(false, true)) {
      onCancel.run();
    }
  }

  @Override
  public CompletionStage<Usage> usage() {
    return usage.minimalCompletionStage();
  }

  @Override
  public void subscribe(Flow.Subscriber<? super GenerationEvent> newcomer) {
    Objects.requireNonNull(newcomer, "subscriber"); // [1.9]
    if (!taken.compareAndSet(false, true)) {
      newcomer.onSubscribe(new Refused());
      newcomer.onError(new IllegalStateException("a generation takes one subscriber only"));
      return;
    }
    try {
      newcomer.onSubscribe(new Demand());
    } catch (Throwable e) {
      drop(e);
    }
    subscriber = newcomer; // only now, so that nothing overtakes onSubscribe [1.3]
    deliver();
  }

  private void deliver() {
    if (wakeups.getAndIncrement() != 0) {
      return;
    }
    int seen = 1;
    do {
      Flow.Subscriber<? super GenerationEvent> s = subscriber;
      if (s != null) {
        deliverTo(s);
      }
      seen = wakeups.addAndGet(-seen);
    } while (seen != 0);
  }

  private void deliverTo(Flow.Subscriber<? super GenerationEvent> s) {
    try {
      while (!silent) {
        if (violation != null) {
          silent = true;
          s.onError(violation);
          break;
        }
        boolean last = ended; // read before the queue, which is filled before it is set
        if (events.isEmpty()) {
          if (last) {
            silent = true;
            signalEnd(s);
          }
          break;
        }
        if (demand.get() == 0) {
          break;
        }
        GenerationEvent event = events.remove();
        if (event instanceof GenerationEvent.Token) {
          if (room.incrementAndGet() == step) {
            onRoom.run();
          }
        }
        demand.accumulateAndGet(1, (all, one) -> all == Long.MAX_VALUE ? all : all - one);
        s.onNext(event);
      }
    } catch (Throwable e) {
      drop(e);
    }
    if (silent) {
      events.clear();
      subscriber = null; // [3.13]
    }
  }

  /** A subscriber must not throw [2.13]; one that does, whatever it is, is treated as gone. */
  private void drop(Throwable cause) {
    LOG.log(
        Level.WARNING, "A subscriber of a generation failed; the generation is cancelled", cause);
    silent = true;
    cancel();
  }

  private void signalEnd(Flow.Subscriber<? super GenerationEvent> s) {
    if (failure == null) {
      s.onComplete();
    } else {
      s.onError(failure);
    }
  }

  private final class Demand implements Flow.Subscription {
    @Override
    public void request(long n) {
      if (n <= 0) {
        violation =
            new IllegalArgumentException("a subscriber must request at least one event [3.9]");
        EventChannel.this.cancel();
        deliver();
      } else {
        demand.accumulateAndGet(n, (a, b) -> a + b < 0 ? Long.MAX_VALUE : a + b); // [3.17]
        deliver();
      }
    }

    @Override
    public void cancel() {
      silent = true;
      EventChannel.this.cancel();
      deliver();
    }
  }

  private record Refused() implements Flow.Subscription {
    @Override
    public void request(long n) {}

    @Override
    public void cancel() {}
  }
}
