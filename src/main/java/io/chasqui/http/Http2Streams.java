package io.chasqui.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameListenerDecorator;
import io.netty.handler.codec.http2.Http2Headers;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.util.AttributeKey;
import io.vertx.core.Context;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The open streams of HTTP/2 of all connections. Each holds the head of its request until its
 * client has read the answer, so that there is {@linkplain FairShare room} for so many and no more.
 */
final class Http2Streams {
  private final FairShare open;
  private final int mostLeaving;

  /** Streams that have given way, and are not closed yet. */
  private final AtomicInteger leaving = new AtomicInteger();

  /**
   * @param most how many may be open
   */
  Http2Streams(int most) {
    open = new FairShare(most);
    mostLeaving = most / 2;
  }

  /** Whether the server can work on one more request. */
  boolean hasRoomToWork(HttpServerRequest request) {
    return open.hasRoomToWork(request.remoteAddress().hostAddress());
  }

  /**
   * Takes in all streams of a connection; on its event loop, before its first bytes are decoded.
   */
  void watch(Channel channel) {
    if (channel.attr(OfConnection.KEY).get() == null) {
      channel.attr(OfConnection.KEY).set(new OfConnection(channel));
    }
  }

  /**
   * Begins with the stream of a request, if it came by HTTP/2.
   *
   * @return false if there is no room for it, and it is reset
   */
  boolean takeIn(RoutingContext client) {
    if (client.request().version() != HttpVersion.HTTP_2) {
      return true;
    }
    Optional<OfConnection> connection = OfConnection.of(client);
    Optional<FairShare.Part> stream =
        connection.flatMap(of -> of.part(client.response().streamId()));
    stream.ifPresent(ClientWait.of(client)::add);
    return connection.isEmpty() || stream.isPresent();
  }

  /**
   * Lets a request of HTTP/2 go on, now or when its client has read so much of earlier answers that
   * it has not {@linkplain Connection#hasMuchToRead much to read} any more.
   */
  static void goOnWhenReadSoFar(RoutingContext client) {
    Optional<OfConnection> connection = OfConnection.of(client);
    if (connection.isPresent() && Connection.hasMuchToRead(client.request())) {
      connection.get().hold(client);
    } else {
      client.next();
    }
  }

  /** The streams of one connection; on its event loop only, where nothing else is said. */
  private final class OfConnection extends Http2ConnectionAdapter {
    private static final AttributeKey<OfConnection> KEY =
        AttributeKey.valueOf(Http2Streams.class.getName());

    /** What {@code quarkus.http.limits.max-concurrent-streams} says, too. */
    private static final int MOST_STREAMS = 100;

    /** Streams of a connection that are ended in half a minute before it is closed. */
    private static final int MOST_ENDED = 100;

    private static final long PERIOD = TimeUnit.SECONDS.toNanos(30);

    private final Channel channel;
    private final Http2Connection connection;
    private final Http2Connection.PropertyKey part;

    /** Requests that wait until earlier answers are read, by their streams. */
    private final Map<Integer, Held> held = new LinkedHashMap<>();

    /** Streams that there was no room for since {@link #endedSince}. */
    private final AtomicInteger ended = new AtomicInteger();

    /** By {@link System#nanoTime}. */
    private long endedSince = System.nanoTime();

    /** A request, and where it is to go on. */
    private record Held(RoutingContext client, Context context) {}

    OfConnection(Channel channel) {
      this.channel = channel;
      var http2 = channel.pipeline().get(Http2ConnectionHandler.class);
      connection = http2.connection();
      part = connection.newKey();
      connection.addListener(this);
      keepGate(http2.decoder());
    }

    /**
     * The connection of a request; empty where Netty does not see {@link Connections.Installer}, as
     * in tests of Quarkus.
     */
    static Optional<OfConnection> of(RoutingContext client) {
      return Optional.ofNullable(Connection.channel(client.request()).attr(KEY).get());
    }

    /** What a stream takes; empty if it has ended. */
    Optional<FairShare.Part> part(int id) {
      return Optional.ofNullable(connection.stream(id))
          .map(stream -> stream.<FairShare.Part>getProperty(part))
          .filter(of -> !of.hasEnded());
    }

    /**
     * Takes in a stream, whatever becomes of its request. It waits for its client: for the rest of
     * the request, or until earlier answers are read. One that there is no room for, the {@link
     * Gate} ends.
     */
    @Override
    public void onStreamActive(Http2Stream stream) {
      FairShare.Part of = open.new Part(Connections.host(channel), () -> giveWay(stream.id()));
      stream.setProperty(part, of);
      if (hasTooMany() || leaving.get() >= mostLeaving || !of.take(1)) {
        of.end();
      }
      of.waitForClient();
    }

    private void keepGate(Http2ConnectionDecoder decoder) {
      decoder.frameListener(new Gate(decoder));
    }

    /** Lets no heads of streams through that there is no room for: Vert.x never knows of them. */
    private final class Gate extends Http2FrameListenerDecorator {
      private final Http2ConnectionDecoder decoder;

      Gate(Http2ConnectionDecoder decoder) {
        super(decoder.frameListener());
        this.decoder = decoder;
      }

      /** Vert.x puts a listener of its own in the place of this one then. */
      @Override
      public void onSettingsRead(ChannelHandlerContext context, Http2Settings settings)
          throws Http2Exception {
        super.onSettingsRead(context, settings);
        keepGate(decoder);
      }

      @Override
      public void onHeadersRead(
          ChannelHandlerContext context, int id, Http2Headers head, int padding, boolean isLast)
          throws Http2Exception {
        if (isLetThrough(context, id)) {
          super.onHeadersRead(context, id, head, padding, isLast);
        }
      }

      @Override
      public void onHeadersRead(
          ChannelHandlerContext context,
          int id,
          Http2Headers head,
          int dependency,
          short weight,
          boolean isExclusive,
          int padding,
          boolean isLast)
          throws Http2Exception {
        if (isLetThrough(context, id)) {
          super.onHeadersRead(context, id, head, dependency, weight, isExclusive, padding, isLast);
        }
      }

      private boolean isLetThrough(ChannelHandlerContext context, int id) {
        boolean hasRoom = part(id).isPresent();
        if (!hasRoom) {
          refuse(context, id);
        }
        return hasRoom;
      }
    }

    @Override
    public void onStreamClosed(Http2Stream stream) {
      FairShare.Part of = stream.getProperty(part);
      if (of != null) {
        of.end();
      }
      held.remove(stream.id());
      if (!held.isEmpty()) {
        channel.eventLoop().execute(this::goOn); // when Netty is through with the stream
      }
    }

    void hold(RoutingContext client) {
      client.request().pause();
      var request = new Held(client, client.vertx().getOrCreateContext());
      held.put(client.response().streamId(), request);
    }

    /** Lets one go on, and then the next if that one's answer is read, too. */
    private void goOn() {
      Iterator<Held> waiting = held.values().iterator();
      if (!waiting.hasNext()) {
        return;
      }
      Held request = waiting.next();
      RoutingContext client = request.client;
      if (!Connection.hasMuchToRead(client.request())) {
        waiting.remove();
        request.context.runOnContext(now -> {
          client.request().resume();
          client.next();
          goOn();
        });
      }
    }

    /**
     * Whether there are more streams than a connection may have. Netty asks for that only once the
     * client has acknowledged it.
     */
    private boolean hasTooMany() {
      return connection.remote().numActiveStreams() > MOST_STREAMS;
    }

    /** Ends a stream for the sake of another; on any thread. */
    private void giveWay(int id) {
      leaving.incrementAndGet();
      if (ended.incrementAndGet() > MOST_ENDED) {
        channel.config().setAutoRead(false);
      }
      channel
          .eventLoop()
          .execute(() -> {
            leaving.decrementAndGet();
            ChannelHandlerContext context =
                channel.pipeline().context(Http2ConnectionHandler.class);
            if (context == null || !channel.isActive()) {
              return;
            }
            if (haveTooManyEnded()) {
              goAway(context);
            } else {
              // Vert.x would not reset one that is written to its end.
              long code = Http2Error.ENHANCE_YOUR_CALM.code();
              var _ = http2(context).resetStream(context, id, code, context.newPromise());
              context.flush();
            }
          });
    }

    /** Ends a stream that Vert.x does not know. While it was active, Vert.x would stumble on it. */
    private void refuse(ChannelHandlerContext context, int id) {
      ended.incrementAndGet();
      connection.stream(id).close();
      if (haveTooManyEnded()) {
        goAway(context);
      } else {
        long code = Http2Error.REFUSED_STREAM.code();
        var writer = http2(context).encoder().frameWriter();
        var _ = writer.writeRstStream(context, id, code, context.newPromise());
      }
    }

    private boolean haveTooManyEnded() {
      long now = System.nanoTime();
      if (now - endedSince > PERIOD) {
        endedSince = now;
        ended.set(1);
        channel.config().setAutoRead(true);
      }
      return ended.get() > MOST_ENDED;
    }

    private void goAway(ChannelHandlerContext context) {
      int last = connection.remote().lastStreamCreated();
      long code = Http2Error.ENHANCE_YOUR_CALM.code();
      var _ =
          http2(context).goAway(context, last, code, Unpooled.EMPTY_BUFFER, context.newPromise());
      context.flush();
      Connection.close(channel);
    }

    private static Http2ConnectionHandler http2(ChannelHandlerContext context) {
      return (Http2ConnectionHandler) context.handler();
    }
  }
}
