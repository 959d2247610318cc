package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.vertx.core.VertxException;
import io.vertx.core.http.HttpClosedException;
import io.vertx.core.http.StreamResetException;
import java.nio.channels.ClosedChannelException;
import org.junit.jupiter.api.Test;

class ClientLeftTest {
  @Test
  void theEndsOfConnectionsAndStreamsAreNoFailuresOfTheServer() {
    assertTrue(ClientLeft.isReasonOf(new HttpClosedException("Connection was closed")));
    assertTrue(ClientLeft.isReasonOf(new StreamResetException(8)));
    assertTrue(ClientLeft.isReasonOf(new IllegalArgumentException("Stream no longer exists: 93")));
    assertTrue(
        ClientLeft.isReasonOf(Http2Exception.streamError(1, Http2Error.CANCEL, "Stream closed")));
  }

  /** A channel may be that of a file. */
  @Test
  void othersAre() {
    assertFalse(ClientLeft.isReasonOf(null));
    assertFalse(ClientLeft.isReasonOf(new NullPointerException()));
    assertFalse(ClientLeft.isReasonOf(new IllegalArgumentException()));
    assertFalse(ClientLeft.isReasonOf(new VertxException("a failure")));
    assertFalse(ClientLeft.isReasonOf(new ClosedChannelException()));
  }
}
