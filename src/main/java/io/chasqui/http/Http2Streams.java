package io.chasqui.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Error;
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

  /** Takes in all streams of a connection from now on; on its event loop. */
  void watch(Channel channel) {
    if (channel.attr(OfConnection.KEY).get() == null) {
      channel.attr(OfConnection.KEY).set(new OfConnection(channel, open));
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
    watch(Connection.channel(client.request()));
    Optional<FairShare.Part> stream = OfConnection.of(client).part(client.response().streamId());
    stream.ifPresent(ClientWait.of(client)::add);
    return stream.isPresent();
  }

  /**
   * Lets a request of HTTP/2 go on, now or when its client has read so much of earlier answers that
   * it has not {@linkplain Connection#hasMuchToRead much to read} any more.
   */
  static void goOnWhenReadSoFar(RoutingContext client) {
    if (Connection.hasMuchToRead(client.request())) {
      OfConnection.of(client).hold(client);
    } else {
      client.next();
    }
  }

  /** The streams of one connection; on its event loop only, where nothing else is said. */
  private static final class OfConnection extends Http2ConnectionAdapter {
    private static final AttributeKey<OfConnection> KEY =
        AttributeKey.valueOf(Http2Streams.class.getName());

    /** What {@code quarkus.http.limits.max-concurrent-streams} says, too. */
    private static final int MOST_STREAMS = 100;

    /** Streams of a connection that are ended in half a minute before it is closed. */
    private static final int MOST_ENDED = 100;

    private static final long PERIOD = TimeUnit.SECONDS.toNanos(30);

    private final Channel channel;
    private final Http2Connection connection;
    private final FairShare all;
    private final Http2Connection.PropertyKey part;

    /** Requests that wait until earlier answers are read, by their streams. */
    private final Map<Integer, Held> held = new LinkedHashMap<>();

    /** Streams that there was no room for since {@link #endedSince}. */
    private final AtomicInteger ended = new AtomicInteger();

    /** By {@link System#nanoTime}. */
    private long endedSince = System.nanoTime();

    /** A request, and where it is to go on. */
    private record Held(RoutingContext client, Context context) {}

    OfConnection(Channel channel, FairShare all) {
      this.channel = channel;
      this.all = all;
      connection = channel.pipeline().get(Http2ConnectionHandler.class).connection();
      part = connection.newKey();
      connection.addListener(this);
    }

    static OfConnection of(RoutingContext client) {
      return Connection.channel(client.request()).attr(KEY).get();
    }

    /** What a stream takes; empty if it is reset. */
    Optional<FairShare.Part> part(int id) {
      Http2Stream stream = connection.stream(id);
      if (stream == null) {
        return Optional.empty();
      }
      if (stream.getProperty(part) == null) {
        onStreamActive(stream); // it was there before this
      }
      return Optional.<FairShare.Part>of(stream.getProperty(part)).filter(of -> !of.hasEnded());
    }

    /**
     * Takes in a stream, whatever becomes of its request. It waits for its client: for the rest of
     * the request, or until earlier answers are read.
     */
    @Override
    public void onStreamActive(Http2Stream stream) {
      int id = stream.id();
      FairShare.Part of =
          all.new Part(Connections.host(channel), () -> endSoon(id, Http2Error.ENHANCE_YOUR_CALM));
      stream.setProperty(part, of);
      if (hasTooMany() || !of.take(1)) {
        of.end();
        endSoon(id, Http2Error.REFUSED_STREAM);
      }
      of.waitForClient();
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

    /**
     * Ends a stream that there is no room for when Netty is through with it, and the connection if
     * that goes on and on; on any thread.
     */
    private void endSoon(int id, Http2Error error) {
      if (ended.incrementAndGet() > MOST_ENDED) {
        channel.config().setAutoRead(false);
      }
      channel.eventLoop().execute(() -> end(id, error));
    }

    private void end(int id, Http2Error error) {
      long now = System.nanoTime();
      if (now - endedSince > PERIOD) {
        endedSince = now;
        ended.set(1);
        channel.config().setAutoRead(true);
      }
      if (ended.get() > MOST_ENDED) {
        var _ = channel.close();
      } else {
        reset(id, error);
      }
    }

    /**
     * Ends a stream whatever its state is. Vert.x would not reset one that is written to its end.
     */
    private void reset(int id, Http2Error error) {
      ChannelHandlerContext context = channel.pipeline().context(Http2ConnectionHandler.class);
      if (context != null && channel.isActive()) {
        var http2 = (Http2ConnectionHandler) context.handler();
        var _ = http2.resetStream(context, id, error.code(), context.newPromise());
        context.flush();
      }
    }
  }
}
