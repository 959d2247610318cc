package io.chasqui.http;

import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/**
 * So much of something, such as bytes of the heap, for all requests together. When all of it is
 * taken, a request that waits for its client gives way: of the client whose waiting requests have
 * most, the one that has waited for longest. So nobody keeps others out by leaving requests
 * unfinished or answers unread. A request that the server works on keeps what it has, and so does
 * one whose client would have less than the one that asks, or as much and waits for a moment only.
 */
final class FairShare {
  /** Of what a client on a slow network needs a second or two to send or to read. */
  private static final Duration USUAL_PATIENCE = Duration.ofSeconds(1);

  private final long most;
  private final long patience;
  private final LongSupplier clock;
  private long taken;

  /** What those have that do not wait: all together, and by their owners. */
  private long allWorking;

  private final Map<String, Long> working = new HashMap<>();

  private final Set<Part> waiting = new LinkedHashSet<>();

  /**
   * @param most what all may take together
   */
  FairShare(long most) {
    this(most, USUAL_PATIENCE);
  }

  /**
   * @param patience how long a request waits at least before it gives way to one whose client has
   *     as much
   */
  FairShare(long most, Duration patience) {
    this(most, patience, System::nanoTime);
  }

  /**
   * @param clock nanoseconds since any point in time
   */
  FairShare(long most, Duration patience, LongSupplier clock) {
    this.most = most;
    this.patience = patience.toNanos();
    this.clock = clock;
  }

  /** Whose request it is: the name of its key, or the address that it comes from. */
  static String owner(RoutingContext client) {
    return ApiKey.of(client)
        .map(ApiKey::name)
        .orElseGet(() -> client.request().remoteAddress().hostAddress());
  }

  /**
   * Whether the server can work on one more of this owner, so that some room is left for others:
   * those of one owner have three quarters of all at most, and all together seven eighths.
   */
  synchronized boolean hasRoomToWork(String owner) {
    return allWorking < most - most / 8 && working.getOrDefault(owner, 0L) < most - most / 4;
  }

  /** Who gives way to one that takes so much more, if it is not the one that takes it. */
  private Optional<Part> giverFor(Part taker, long amount) {
    Map<String, Long> byOwner = new HashMap<>();
    waiting.forEach(each -> byOwner.merge(each.owner, each.mine, Long::sum));
    long ofTaker = byOwner.getOrDefault(taker.owner, 0L) + amount;
    return waiting.stream()
        .filter(each -> each.mine > 0)
        .min(
            Comparator.<Part>comparingLong(each -> -byOwner.get(each.owner))
                .thenComparing(each -> !each.rests)
                .thenComparingLong(each -> each.since))
        .filter(each -> each != taker)
        .filter(each ->
            each.owner.equals(taker.owner)
                || byOwner.get(each.owner) > ofTaker
                || (byOwner.get(each.owner) == ofTaker
                    && clock.getAsLong() - each.since >= patience));
  }

  /** What one request takes of it, until it ends. */
  final class Part {
    private final String owner;
    private final Runnable giveWay;
    private long mine;
    private boolean hasEnded;

    /** When it began to wait or to rest, if it does, by the clock. */
    private long since;

    private boolean rests;

    /**
     * Takes nothing yet, and does not wait.
     *
     * @param owner whose it is
     * @param giveWay ends the request for the sake of another; called by any thread, with a lock,
     *     so that it must leave the work to the request's own thread
     */
    Part(String owner, Runnable giveWay) {
      this.owner = owner;
      this.giveWay = giveWay;
    }

    /** How much it has. */
    long taken() {
      synchronized (FairShare.this) {
        return mine;
      }
    }

    /** Takes so much more; false, and nothing is taken, if nobody gives way for it. */
    boolean take(long amount) {
      synchronized (FairShare.this) {
        while (!hasEnded && mine + amount <= most && taken + amount > most) {
          Optional<Part> giver = giverFor(this, amount);
          if (giver.isEmpty()) {
            return false;
          }
          giver.get().end();
          giver.get().giveWay.run();
        }
        if (hasEnded || taken + amount > most) {
          return false;
        }
        change(amount);
        return true;
      }
    }

    private void change(long amount) {
      mine += amount;
      taken += amount;
      if (!waiting.contains(this)) {
        work(amount);
      }
    }

    /** More of what its owner has is with those that do not wait. */
    private void work(long amount) {
      allWorking += amount;
      working.merge(owner, amount, (before, more) -> before + more == 0 ? null : before + more);
    }

    /** The client has to send or to read something before the server can go on. */
    void waitForClient() {
      stop(false);
    }

    /** The client has asked for nothing: it gives way before those of its owner that wait. */
    void rest() {
      stop(true);
    }

    private void stop(boolean toRest) {
      synchronized (FairShare.this) {
        if (hasEnded) {
          return;
        }
        since = clock.getAsLong();
        rests = toRest;
        if (waiting.add(this)) {
          work(-mine);
        }
      }
    }

    /** The server goes on: it no longer gives way, if it has not done so already. */
    void goOn() {
      synchronized (FairShare.this) {
        if (waiting.remove(this)) {
          work(mine);
        }
      }
    }

    /** Whether it has given all back for good, by itself or for another. */
    boolean hasEnded() {
      synchronized (FairShare.this) {
        return hasEnded;
      }
    }

    /** Gives all back, to take something else. */
    void giveBack() {
      synchronized (FairShare.this) {
        change(-mine);
      }
    }

    /** Gives all back for good: whoever still works for the request finds nothing any more. */
    void end() {
      synchronized (FairShare.this) {
        giveBack();
        goOn();
        hasEnded = true;
      }
    }
  }
}
