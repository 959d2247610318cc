package io.chasqui.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;

/**
 * The open streams of HTTP/2 of all connections. Each holds the head of its request until its
 * client has read the answer, so that there is {@linkplain FairShare room} for so many and no more.
 */
final class Http2Streams {
  private static final AttributeKey<Closing> CLOSING =
      AttributeKey.valueOf(Http2Streams.class.getName());

  private final FairShare open;

  /**
   * @param most how many may be open
   */
  Http2Streams(int most) {
    open = new FairShare(most);
  }

  /** Whether the server can work on one more request. */
  boolean hasRoomToWork(HttpServerRequest request) {
    return open.hasRoomToWork(request.remoteAddress().hostAddress());
  }

  /**
   * Takes in the stream of a request that has just come, if it came by HTTP/2.
   *
   * @return false if there is no room: the stream is reset
   */
  boolean takeIn(RoutingContext client) {
    HttpServerRequest request = client.request();
    if (request.version() != HttpVersion.HTTP_2) {
      return true;
    }
    Channel channel = ((ConnectionBase) request.connection()).channel();
    int id = client.response().streamId();
    FairShare.Part stream =
        open
        .new Part(
            request.remoteAddress().hostAddress(),
            () -> reset(channel, id, Http2Error.ENHANCE_YOUR_CALM));
    if (!stream.take(1)) {
      reset(channel, id, Http2Error.REFUSED_STREAM);
      return false;
    }
    ClientWait.of(client).add(stream);
    Closing.of(channel).watch(id, stream);
    return true;
  }

  /** Ends a stream whatever its state is. Vert.x would not reset one that is written to its end. */
  private static void reset(Channel channel, int id, Http2Error error) {
    channel
        .eventLoop()
        .execute(() -> {
          ChannelHandlerContext context = channel.pipeline().context(Http2ConnectionHandler.class);
          if (context != null) {
            var http2 = (Http2ConnectionHandler) context.handler();
            var _ = http2.resetStream(context, id, error.code(), context.newPromise());
            context.flush();
          }
        });
  }

  /** Hears which streams of a connection close; on its event loop. */
  private static final class Closing extends Http2ConnectionAdapter {
    private final Http2Connection connection;
    private final Http2Connection.PropertyKey key;

    private Closing(Http2Connection connection) {
      this.connection = connection;
      key = connection.newKey();
      connection.addListener(this);
    }

    static Closing of(Channel channel) {
      Closing known = channel.attr(CLOSING).get();
      if (known == null) {
        known = new Closing(channel.pipeline().get(Http2ConnectionHandler.class).connection());
        channel.attr(CLOSING).set(known);
      }
      return known;
    }

    void watch(int id, FairShare.Part part) {
      Http2Stream stream = connection.stream(id);
      if (stream == null) {
        part.end();
      } else {
        stream.setProperty(key, part);
      }
    }

    @Override
    public void onStreamClosed(Http2Stream stream) {
      FairShare.Part part = stream.getProperty(key);
      if (part != null) {
        part.end();
      }
    }
  }
}
