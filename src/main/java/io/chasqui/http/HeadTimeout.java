package io.chasqui.http;

import io.netty.bootstrap.ChannelInitializerExtension;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.AttributeKey;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.core.net.impl.ConnectionBase;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Closes a connection on which the head of a request does not arrive before long: the first from
 * when it was opened, a further one from its first byte. Vert.x only closes what is idle, which a
 * client that sends a byte now and then never is.
 */
final class HeadTimeout extends ChannelInboundHandlerAdapter {
  private static final AttributeKey<HeadTimeout> KEY =
      AttributeKey.valueOf(HeadTimeout.class.getName());

  /** Zero where nothing is to be closed. */
  private static volatile Duration timeout = Duration.ZERO;

  /** Null while no head is awaited. */
  private Future<?> awaited;

  /** Whether the last request is answered, so that what comes belongs to the next. */
  private boolean isIdle;

  /** Netty puts one of these into each connection, if it is asked to by {@link #install}. */
  public static final class Installer extends ChannelInitializerExtension {
    @Override
    public void postInitializeServerChildChannel(Channel connection) {
      if (timeout.isPositive()) {
        var handler = new HeadTimeout();
        connection.attr(KEY).set(handler);
        connection.pipeline().addFirst(handler);
      }
    }
  }

  /** To be called before the server listens. */
  static void install(Duration timeout) {
    HeadTimeout.timeout = timeout;
    System.setProperty(ChannelInitializerExtension.EXTENSIONS_SYSTEM_PROPERTY, "serviceload");
  }

  /** The head of a request has arrived; on the connection's event loop. */
  static void arrived(HttpServerRequest request) {
    HeadTimeout handler = of(request);
    if (handler != null && handler.awaited != null) {
      handler.awaited.cancel(false);
      handler.awaited = null;
    }
  }

  /** A request is answered. In HTTP/2 what comes then may belong to others that run. */
  static void answered(HttpServerRequest request) {
    HeadTimeout handler = of(request);
    if (handler != null) {
      handler.isIdle = request.version() != HttpVersion.HTTP_2;
    }
  }

  private static HeadTimeout of(HttpServerRequest request) {
    return ((ConnectionBase) request.connection()).channel().attr(KEY).get();
  }

  private void await(ChannelHandlerContext context) {
    isIdle = false;
    Runnable close =
        () -> {
          var _ = context.close();
        };
    awaited = context.executor().schedule(close, timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  public void channelActive(ChannelHandlerContext context) throws Exception {
    await(context);
    super.channelActive(context);
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) throws Exception {
    if (isIdle) {
      await(context);
    }
    super.channelRead(context, message);
  }
}
