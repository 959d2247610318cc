package io.chasqui.http;

import io.chasqui.config.ChasquiConfig;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.ext.Provider;
import java.io.OutputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collections;
import java.util.Iterator;
import java.util.OptionalLong;
import java.util.concurrent.Flow;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.spi.ResteasyReactiveResourceInfo;
import org.jboss.resteasy.reactive.server.spi.ServerHttpRequest;
import org.jboss.resteasy.reactive.server.spi.ServerHttpResponse;
import org.jboss.resteasy.reactive.server.spi.ServerMessageBodyWriter;
import org.jboss.resteasy.reactive.server.spi.ServerRequestContext;

/**
 * Writes a body at the client's pace: the next piece is asked for when the last one is on its way,
 * so that what a slow client has not read of a stream waits in the engine's bounded channel and not
 * in a buffer here. A client that goes away cancels the stream; one that reads nothing for too long
 * loses it.
 */
@Provider
public class PacedWriter implements ServerMessageBodyWriter<PacedBody> {
  private static final Logger LOG = Logger.getLogger(PacedWriter.class);

  private final Vertx vertx;
  private final Duration keepAlive;
  private final Duration stallTimeout;

  PacedWriter(Vertx vertx, ChasquiConfig config) {
    this.vertx = vertx;
    keepAlive = config.stream().keepAlive();
    stallTimeout = config.stream().stallTimeout();
  }

  @Override
  public boolean isWriteable(
      Class<?> type, Type genericType, ResteasyReactiveResourceInfo target, MediaType mediaType) {
    return PacedBody.class.isAssignableFrom(type);
  }

  @Override
  public boolean isWriteable(
      Class<?> type, Type genericType, Annotation[] annotations, MediaType mediaType) {
    return PacedBody.class.isAssignableFrom(type);
  }

  @Override
  public void writeTo(
      PacedBody body,
      Class<?> type,
      Type genericType,
      Annotation[] annotations,
      MediaType mediaType,
      MultivaluedMap<String, Object> headers,
      OutputStream out) {
    throw new WebApplicationException("a body is written by the reactive writer only");
  }

  @Override
  public void writeResponse(PacedBody body, Type genericType, ServerRequestContext context) {
    ServerHttpResponse response = context.serverResponse();
    switch (body) {
      case EventStream _ -> response.setChunked(true);
      case WholeBody whole ->
          response.setResponseHeader("Content-Length", Integer.toString(whole.body().length()));
    }
    RoutingContext client = ((ServerHttpRequest) response).unwrap(RoutingContext.class);
    body.pieces().subscribe().withSubscriber(new Writing(body, response, client));
  }

  /** One response. Its state is touched on one event loop only. */
  private final class Writing implements Flow.Subscriber<Iterable<byte[]>> {
    private final ServerHttpResponse response;
    private final RoutingContext client;
    private final ClientWait wait;
    private final Context eventLoop = vertx.getOrCreateContext();

    /** Absent where a comment would be a part of the body. */
    private final OptionalLong keepAliveTimer;

    private final long stallTimer;
    private Flow.Subscription subscription;

    /** Whether no item follows. */
    private boolean isLast;

    /** What is left of the last item. */
    private Iterator<byte[]> pieces = Collections.emptyIterator();

    private boolean silent;
    private boolean closed;

    /** Whether the client has not read the last piece, as far as is known here. */
    private boolean unread;

    /** Whether it had not, a stall timeout ago, and nothing has changed since. */
    private boolean stalled;

    Writing(PacedBody body, ServerHttpResponse response, RoutingContext client) {
      this.response = response;
      this.client = client;
      wait = ClientWait.of(client);
      keepAliveTimer =
          body instanceof EventStream
              ? OptionalLong.of(
                  vertx.setPeriodic(keepAlive.toMillis(), timer -> onLoop(this::comment)))
              : OptionalLong.empty();
      stallTimer = vertx.setPeriodic(stallTimeout.toMillis(), timer -> onLoop(this::requireReader));
      response.addCloseHandler(() -> onLoop(this::close));
    }

    private void onLoop(Runnable action) {
      eventLoop.runOnContext(v -> action.run());
    }

    @Override
    public void onSubscribe(Flow.Subscription subscription) {
      onLoop(() -> begin(subscription));
    }

    private void begin(Flow.Subscription of) {
      subscription = of;
      if (closed) {
        of.cancel();
      } else if (response.closed()) {
        close(); // the client left before the close handler was there to hear it
      } else {
        of.request(1);
      }
    }

    @Override
    public void onNext(Iterable<byte[]> item) {
      onLoop(() -> {
        pieces = item.iterator();
        writeNext();
      });
    }

    private void writeNext() {
      if (closed) {
        return;
      }
      byte[] bytes = {};
      try {
        while (bytes.length == 0 && pieces.hasNext()) {
          bytes = pieces.next();
        }
      } catch (RuntimeException e) {
        broken(e);
        return;
      }
      if (bytes.length > 0) {
        write(bytes);
      } else if (isLast) {
        end();
      } else {
        subscription.request(1);
      }
    }

    private void write(byte[] bytes) {
      silent = false;
      unread = true;
      wait.waitForClient();
      response.write(
          bytes,
          failure -> {
            unread = false;
            stalled = false;
            wait.goOn();
            onLoop(failure == null ? this::writeNext : this::close);
          });
    }

    private void requireReader() {
      if (!unread || closed) {
        return;
      }
      if (stalled) {
        close();
        Connection.breakOff(client);
      }
      stalled = true;
    }

    private void comment() {
      if (silent && !unread && !closed) {
        response.write(EventStream.KEEP_ALIVE.getBytes(StandardCharsets.UTF_8), failure -> {});
      }
      silent = true;
    }

    @Override
    public void onError(Throwable failure) {
      onLoop(() -> broken(failure));
    }

    private void broken(Throwable failure) {
      LOG.error("An answer ended before its end", failure);
      end();
    }

    @Override
    public void onComplete() {
      onLoop(() -> {
        isLast = true;
        if (!unread && !pieces.hasNext()) {
          end();
        }
      });
    }

    private void end() {
      if (!closed) {
        close();
        response.end();
      }
    }

    /** The answer has ended or the client is gone: whichever is first. */
    private void close() {
      if (!closed) {
        closed = true;
        keepAliveTimer.ifPresent(vertx::cancelTimer);
        vertx.cancelTimer(stallTimer);
        if (subscription != null) {
          subscription.cancel();
        }
      }
    }
  }
}
