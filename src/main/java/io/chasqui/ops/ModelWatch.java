package io.chasqui.ops;

import io.chasqui.engine.ModelFile;
import java.time.Duration;
import org.jboss.logging.Logger;

/**
 * Watches the file of the served model. A start checks only its header and its length; here all of
 * it is read once, when the first requests have been answered. Its length is asked for every
 * second, since a file that others cut off would end the process without a word.
 */
final class ModelWatch {
  private static final Logger LOG = Logger.getLogger(ModelWatch.class);

  private static final Duration PERIOD = Duration.ofSeconds(1);

  /** A cold start has the disk and the processors for itself. */
  private static final Duration HEAD_START = Duration.ofSeconds(10);

  private volatile boolean isDamaged;

  /** Whether the file was found to be damaged, so that answers cannot be trusted. */
  boolean isDamaged() {
    return isDamaged;
  }

  /**
   * Begins to watch, until the file's engine is closed.
   *
   * @param cutOff what to do when the file has become shorter
   */
  void start(ModelFile file, Runnable cutOff) {
    Thread.ofPlatform().name("chasqui-watch").daemon().start(() -> watch(file, cutOff));
    Thread.ofPlatform()
        .name("chasqui-verify")
        .daemon()
        .start(() -> {
          sleep(HEAD_START);
          verify(file);
        });
  }

  /** Reads the file, slowly. */
  void verify(ModelFile file) {
    try {
      file.verifySlowly();
    } catch (RuntimeException e) {
      isDamaged = true;
      LOG.errorf(
          "This server is not ready any more, because the file of its model is damaged. Replace %s and start again (%s)",
          file.path(), e.getMessage());
      LOG.debug("The cause", e);
    }
  }

  private void watch(ModelFile file, Runnable cutOff) {
    file.whoElseMayWrite()
        .ifPresent(who ->
            LOG.warnf(
                "%s can be written to by %s, who can change the answers of this model or end this process: take that permission away, or serve a copy of your own",
                file.path(), who));
    while (file.isOpen()) {
      if (file.hasShrunk()) {
        isDamaged = true;
        LOG.errorf(
            "This process ends, because the file of its model has become shorter or cannot be reached: %s. Replace a file that is served by moving another one to its name; do not write to it",
            file.path());
        cutOff.run();
        return;
      }
      sleep(PERIOD);
    }
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      throw new IllegalStateException("a thread that nobody knows was interrupted", e);
    }
  }
}
