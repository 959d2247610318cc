package io.chasqui.engine;

import java.util.concurrent.CountDownLatch;

/**
 * Holds an engine after its first step until this is opened. It is the listener of that engine, and
 * so on its thread, whoever reads.
 */
class Gate implements EngineListener {
  private final CountDownLatch opened = new CountDownLatch(1);

  @Override
  public void stepped(int sequences, int tokens) {
    try {
      opened.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Lets the engine go on, with whatever runs. */
  final void open() {
    opened.countDown();
  }
}
