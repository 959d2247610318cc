package io.chasqui.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseEncoder;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.util.AttributeKey;
import io.netty.util.ReferenceCountUtil;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * One connection, beneath HTTP. It is closed when the head of a request does not arrive before
 * long: the first head from when the connection was opened, a further one from its first byte. It
 * is closed, too, when its client reads nothing of what waits for it, and when its client sends
 * ever more requests before they are answered. Vert.x only closes what is idle, which a client that
 * sends a byte now and then never is.
 *
 * <p>Heads of HTTP/1 are watched where they are decoded, which may be long before it is their turn:
 * a client may send the next request while its last one is answered.
 *
 * <p>The state is changed on the connection's event loop only.
 */
final class Connection extends ChannelInboundHandlerAdapter {
  private static final AttributeKey<Connection> KEY =
      AttributeKey.valueOf(Connection.class.getName());

  /** Requests of one connection of HTTP/1 that may wait for their answers. */
  private static final int MAX_PIPELINED = 100;

  /** Answers of one connection of HTTP/2 that may be unread before the next is computed. */
  private static final int MAX_UNREAD = 2;

  /** Bytes of headers that are remembered for a connection of HTTP/2: what RFC 9113 begins with. */
  private static final long MAX_TABLE = 4096;

  private final Channel channel;
  private final Duration headTimeout;

  /** Null while no head is awaited. */
  private Future<?> headTimer;

  /** Whether the next bytes of HTTP/1 are those of a head. */
  private boolean expectsHead = true;

  /** Requests that are not answered to their end. */
  private int open;

  /** Those of them that do not wait for their client. */
  private int served;

  /** What it takes of all connections that there can be. */
  private final FairShare.Part place;

  private final Http2Streams streams;

  /**
   * @param place what it takes of all connections that there can be
   * @param streams those of HTTP/2, of all connections
   * @param headTimeout how long a head may take to arrive; zero for as long as it likes
   */
  Connection(Channel channel, FairShare.Part place, Http2Streams streams, Duration headTimeout) {
    this.channel = channel;
    this.place = place;
    this.streams = streams;
    this.headTimeout = headTimeout;
    channel.attr(KEY).set(this);
  }

  /**
   * The connection that a request came on; empty where Netty does not see {@link
   * Connections.Installer}, as in tests of Quarkus.
   */
  static Optional<Connection> of(HttpServerRequest request) {
    return Optional.ofNullable(channel(request).attr(KEY).get());
  }

  /** What Netty calls the connection that a request came on. */
  static Channel channel(HttpServerRequest request) {
    return ((ConnectionBase) request.connection()).channel();
  }

  /**
   * Ends a request without an answer, or in the middle of it. {@code reset} of an HTTP/1 response
   * would close the connection, too, but tell none of the response's handlers.
   */
  static void breakOff(RoutingContext client) {
    if (client.request().version() == HttpVersion.HTTP_2) {
      client.response().reset();
    } else {
      close(channel(client.request()));
    }
  }

  /** A request has come. */
  private synchronized void begin() {
    open++;
    settle();
  }

  /** A request is answered to its end, or never will be. */
  private synchronized void end() {
    open--;
    settle();
  }

  /** A request no longer waits for its client. */
  synchronized void goOn() {
    served++;
    settle();
  }

  /** A request waits for its client again. */
  synchronized void waitForClient() {
    served--;
    settle();
  }

  private void settle() {
    if (served > 0) {
      place.goOn();
    } else if (open > 0) {
      place.waitForClient();
    } else {
      place.rest();
    }
  }

  /** A request has arrived at its handlers. Those of HTTP/2 are not seen beneath. */
  static void arrived(HttpServerRequest request) {
    ofHttp2(request)
        .ifPresent(connection -> {
          connection.stopHeadTimer();
          connection.boundTable();
          connection.begin();
        });
  }

  /**
   * Bounds the headers that Netty remembers of answers, so as to send them in fewer bytes: as many
   * as the client likes, which may be all that were ever sent.
   */
  private void boundTable() {
    var table =
        channel
            .pipeline()
            .get(Http2ConnectionHandler.class)
            .encoder()
            .configuration()
            .headersConfiguration();
    if (table.maxHeaderTableSize() > MAX_TABLE) {
      try {
        table.maxHeaderTableSize(MAX_TABLE);
      } catch (Http2Exception e) {
        throw new IllegalStateException("a table of %d bytes is allowed".formatted(MAX_TABLE), e);
      }
    }
  }

  /** A request that has arrived is answered, or never will be. */
  static void answered(HttpServerRequest request) {
    ofHttp2(request).ifPresent(Connection::end);
  }

  private static Optional<Connection> ofHttp2(HttpServerRequest request) {
    return request.version() == HttpVersion.HTTP_2 ? of(request) : Optional.empty();
  }

  /**
   * Whether a client of HTTP/2 has several answers of this connection to read that have been
   * written to their end.
   */
  static boolean hasMuchToRead(HttpServerRequest request) {
    return ofHttp2(request)
        .map(connection -> {
          var http2 = connection.channel.pipeline().get(Http2ConnectionHandler.class);
          int streams = http2.connection().numActiveStreams();
          return streams - connection.open > MAX_UNREAD;
        })
        .orElse(false);
  }

  private void closeChannel() {
    close(channel);
  }

  /**
   * Closes a connection at once. {@code channel.close()} would wait until all is read that was
   * written, and in HTTP/2 until all streams have ended.
   */
  static void close(Channel channel) {
    ChannelHandlerContext first = channel.pipeline().firstContext();
    if (first != null) {
      channel.flush(); // such as the reset of a stream, if there is room for it
      var _ = first.close();
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    if (place.hasEnded()) {
      closeChannel();
      return;
    }
    startHeadTimer();
    // Behind what finds out which version of HTTP it is, and before what is made for that version.
    context.pipeline().addLast(new Bytes());
    super.channelActive(context);
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) throws Exception {
    stopHeadTimer();
    super.channelInactive(context);
  }

  private void startHeadTimer() {
    if (headTimeout.isPositive()) {
      headTimer =
          channel
              .eventLoop()
              .schedule(this::headIsLate, headTimeout.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void stopHeadTimer() {
    if (headTimer != null) {
      headTimer.cancel(false);
      headTimer = null;
    }
  }

  private void headIsLate() {
    if (channel.config().isAutoRead()) {
      closeChannel();
    } else {
      startHeadTimer(); // the rest may have come: it is the server that does not read now
    }
  }

  /** Nothing was written for as long as an answer may be left unread. */
  @Override
  public void userEventTriggered(ChannelHandlerContext context, Object event) throws Exception {
    if (!(event instanceof IdleStateEvent)) {
      super.userEventTriggered(context, event);
    } else if (hasUnread(context)) {
      closeChannel();
    }
  }

  private static boolean hasUnread(ChannelHandlerContext context) throws Http2Exception {
    var waiting = context.channel().unsafe().outboundBuffer();
    if (waiting != null && waiting.totalPendingWriteBytes() > 0) {
      return true;
    }
    var http2 = context.pipeline().get(Http2ConnectionHandler.class);
    if (http2 == null) {
      return false;
    }
    var flow = http2.encoder().flowController();
    return http2.connection().forEachActiveStream(stream -> !flow.hasFlowControlled(stream))
        != null;
  }

  /** Sees the bytes that come, and puts {@link Messages} behind what decodes them. */
  private final class Bytes extends ChannelInboundHandlerAdapter {
    private boolean isWatched;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      var encoder = context.pipeline().context(HttpResponseEncoder.class);
      if (encoder != null) {
        if (!isWatched) {
          isWatched = true;
          context.pipeline().addAfter(encoder.name(), null, new Messages());
        }
        if (expectsHead && headTimer == null) {
          startHeadTimer();
        }
      }
      if (context.pipeline().get(Http2ConnectionHandler.class) != null) {
        streams.watch(channel);
      }
      super.channelRead(context, message);
    }
  }

  /** Sees the requests and responses of HTTP/1. */
  private final class Messages extends ChannelDuplexHandler {
    /** Whether a head was refused: it is unknown what the bytes after it are. */
    private boolean isRefused;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
      if (isRefused) {
        ReferenceCountUtil.release(message);
        return;
      }
      if (message instanceof HttpRequest head) {
        expectsHead = false;
        stopHeadTimer();
        begin();
        isRefused = RequestHead.isRefused(head);
      }
      if (isRefused) {
        super.channelRead(context, message);
        super.channelRead(context, LastHttpContent.EMPTY_LAST_CONTENT);
        return;
      }
      if (message instanceof LastHttpContent) {
        expectsHead = true;
      }
      if (open > MAX_PIPELINED) {
        ReferenceCountUtil.release(message);
        closeChannel();
      } else {
        super.channelRead(context, message);
      }
    }

    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise)
        throws Exception {
      boolean isInterim =
          message instanceof HttpResponse head
              && head.status().codeClass() == HttpStatusClass.INFORMATIONAL;
      if (message instanceof LastHttpContent && !isInterim) {
        end();
      }
      super.write(context, message, promise);
    }
  }
}
