package io.chasqui.engine;

import io.chasqui.Await;
import java.util.concurrent.CountDownLatch;

/**
 * Holds an engine with one slot: a request of its own stays where it is until this is closed, and
 * what comes meanwhile waits. It is the listener of that engine, and so on its thread, whoever
 * reads.
 */
final class Blocker implements EngineListener, AutoCloseable {
  private final CountDownLatch released = new CountDownLatch(1);
  private volatile Generation generation;

  /** Returns when the request runs. */
  void block(Engine engine, GenerationRequest request) {
    generation = engine.submit(request);
    Await.until("a request runs", () -> engine.running() == 1);
  }

  @Override
  public void stepped(int sequences, int tokens) {
    try {
      released.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets the engine go on, with whatever runs. */
  void release() {
    released.countDown();
  }

  @Override
  public void close() {
    generation.cancel();
    release();
  }
}
