package io.chasqui.pack;

import java.time.Duration;
import java.util.function.LongSupplier;

/** Tries again after transient failures, each time later, until several in a row bring nothing. */
final class Retries {
  private static final int ATTEMPTS = 5;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);

  /** Waits; a test replaces it. */
  @FunctionalInterface
  interface Pause {
    void sleep(Duration duration) throws InterruptedException;
  }

  /** One try. */
  @FunctionalInterface
  interface Attempt<T> {
    T run() throws TransientFailure, InterruptedException;
  }

  private final Pause pause;

  Retries(Pause pause) {
    this.pause = pause;
  }

  /**
   * Runs an attempt until it succeeds.
   *
   * @param position how far it has come; a failed attempt that came further does not count
   * @throws DownloadException after too many failures, or when the server asks for too long a pause
   */
  <T> T run(String what, LongSupplier position, Attempt<T> attempt) throws InterruptedException {
    int failures = 0;
    while (true) {
      long before = position.getAsLong();
      try {
        return attempt.run();
      } catch (TransientFailure failure) {
        failures = position.getAsLong() > before ? 1 : failures + 1;
        Duration wait = failure.retryAfter().orElse(FIRST_PAUSE.multipliedBy(1L << (failures - 1)));
        if (failures == ATTEMPTS || wait.compareTo(LONGEST_PAUSE) > 0) {
          throw new DownloadException(
              "%s could not be fetched: %s. What has arrived is kept; try again later."
                  .formatted(what, failure.getMessage()),
              failure);
        }
        pause.sleep(wait);
      }
    }
  }
}
