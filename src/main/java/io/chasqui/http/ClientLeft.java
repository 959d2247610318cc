package io.chasqui.http;

import io.netty.handler.codec.http2.Http2Exception;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.StreamResetException;

/** Tells failures that only say that a client has left from those of the server. */
final class ClientLeft {
  private ClientLeft() {}

  /** Whether it is what writing to a client that is gone, or reading from it, ends with. */
  static boolean isReasonOf(Throwable failure) {
    return failure instanceof HttpClosedException
        || failure instanceof StreamResetException
        || failure instanceof Http2Exception
        || isGone(failure);
  }

  /** Netty has no class of its own for what writing to a stream that is reset ends with. */
  private static boolean isGone(Throwable failure) {
    return failure instanceof IllegalArgumentException
        && String.valueOf(failure.getMessage()).startsWith("Stream no longer exists");
  }
}
