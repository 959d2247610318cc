package io.chasqui.engine;

import java.lang.System.Logger.Level;
import java.time.Duration;

/** A listener whose exceptions reach neither the engine nor an answer; the log has the first. */
final class GuardedListener implements EngineListener {
  private static final System.Logger LOG = System.getLogger(GuardedListener.class.getName());

  private final EngineListener listener;
  private volatile boolean hasThrown;

  GuardedListener(EngineListener listener) {
    this.listener = listener;
  }

  private void tell(Runnable event) {
    try {
      event.run();
    } catch (RuntimeException e) {
      if (!hasThrown) {
        hasThrown = true;
        LOG.log(
            Level.ERROR,
            "The engine's listener has thrown, which it must not; the engine goes on without what it would have measured, and does not log this again",
            e);
      }
    }
  }

  @Override
  public void loaded() {
    tell(listener::loaded);
  }

  @Override
  public void firstToken(Duration sinceSubmission) {
    tell(() -> listener.firstToken(sinceSubmission));
  }

  @Override
  public void nextToken(Duration sincePrevious) {
    tell(() -> listener.nextToken(sincePrevious));
  }

  @Override
  public void verified(int drafted, int accepted) {
    tell(() -> listener.verified(drafted, accepted));
  }

  @Override
  public void stepped(int sequences, int tokens) {
    tell(() -> listener.stepped(sequences, tokens));
  }

  @Override
  public void preempted() {
    tell(listener::preempted);
  }

  @Override
  public void finished(GenerationEvent.Finished end) {
    tell(() -> listener.finished(end));
  }

  @Override
  public void failed(Throwable cause) {
    tell(() -> listener.failed(cause));
  }

  @Override
  public void broke(Throwable cause) {
    tell(() -> listener.broke(cause));
  }
}
