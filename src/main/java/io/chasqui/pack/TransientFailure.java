package io.chasqui.pack;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** A failure that may be gone at the next try: a broken connection, a busy server. */
final class TransientFailure extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Optional<Duration> retryAfter;

  /** A failure of the connection. */
  TransientFailure(String message, Throwable cause) {
    super(message, cause);
    retryAfter = Optional.empty();
  }

  /** A refusal by the server, which may have said when to come back. */
  TransientFailure(String message, Optional<Duration> retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }

  Optional<Duration> retryAfter() {
    return retryAfter;
  }
}
