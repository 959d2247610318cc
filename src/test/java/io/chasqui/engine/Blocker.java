package io.chasqui.engine;

import io.chasqui.Await;

/**
 * Holds an engine with one slot: a request of its own stays where it is until this is closed, and
 * what comes meanwhile waits.
 */
final class Blocker extends Gate implements AutoCloseable {
  private volatile Generation generation;

  /** Returns when the request runs. */
  void block(Engine engine, GenerationRequest request) {
    generation = engine.submit(request);
    Await.until("a request runs", () -> engine.running() == 1);
  }

  @Override
  public void close() {
    generation.cancel();
    open();
  }
}
