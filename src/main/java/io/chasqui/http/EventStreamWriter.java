package io.chasqui.http;

import io.chasqui.config.ChasquiConfig;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.MultivaluedMap;
import jakarta.ws.rs.ext.Provider;
import java.io.OutputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.Flow;
import java.util.function.Supplier;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.spi.ResteasyReactiveResourceInfo;
import org.jboss.resteasy.reactive.server.spi.ServerHttpResponse;
import org.jboss.resteasy.reactive.server.spi.ServerMessageBodyWriter;
import org.jboss.resteasy.reactive.server.spi.ServerRequestContext;

/**
 * Writes a stream of events at the client's pace: the next frame is asked for when the last one is
 * on its way, so that what a slow client has not read waits in the engine's bounded channel and not
 * in a buffer here. A client that goes away cancels the stream.
 */
@Provider
public class EventStreamWriter implements ServerMessageBodyWriter<EventStream> {
  private static final Logger LOG = Logger.getLogger(EventStreamWriter.class);

  private final Vertx vertx;
  private final Duration keepAlive;

  EventStreamWriter(Vertx vertx, ChasquiConfig config) {
    this.vertx = vertx;
    keepAlive = config.stream().keepAlive();
  }

  @Override
  public boolean isWriteable(
      Class<?> type, Type genericType, ResteasyReactiveResourceInfo target, MediaType mediaType) {
    return type == EventStream.class;
  }

  @Override
  public boolean isWriteable(
      Class<?> type, Type genericType, Annotation[] annotations, MediaType mediaType) {
    return type == EventStream.class;
  }

  @Override
  public void writeTo(
      EventStream stream,
      Class<?> type,
      Type genericType,
      Annotation[] annotations,
      MediaType mediaType,
      MultivaluedMap<String, Object> headers,
      OutputStream out) {
    throw new WebApplicationException("events are written by the reactive writer only");
  }

  @Override
  public void writeResponse(EventStream stream, Type genericType, ServerRequestContext context) {
    ServerHttpResponse response = context.serverResponse();
    response.setChunked(true);
    stream.frames().subscribe().withSubscriber(new Writing(response, keepAlive));
  }

  /** One response. Its state is touched on one event loop only. */
  private final class Writing implements Flow.Subscriber<Supplier<String>> {
    private final ServerHttpResponse response;
    private final Context eventLoop = vertx.getOrCreateContext();
    private final long keepAliveTimer;
    private Flow.Subscription subscription;
    private boolean silent;
    private boolean closed;

    Writing(ServerHttpResponse response, Duration keepAlive) {
      this.response = response;
      keepAliveTimer = vertx.setPeriodic(keepAlive.toMillis(), timer -> onLoop(this::comment));
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
    public void onNext(Supplier<String> frames) {
      onLoop(() -> write(frames));
    }

    private void write(Supplier<String> of) {
      if (closed) {
        return;
      }
      String frames;
      try {
        frames = of.get();
      } catch (RuntimeException e) {
        broken(e);
        return;
      }
      if (frames.isEmpty()) {
        subscription.request(1);
        return;
      }
      silent = false;
      response.write(
          frames.getBytes(StandardCharsets.UTF_8),
          failure -> {
            if (failure == null) {
              subscription.request(1);
            } else {
              onLoop(this::close);
            }
          });
    }

    private void comment() {
      if (silent && !closed) {
        response.write(EventStream.KEEP_ALIVE.getBytes(StandardCharsets.UTF_8), failure -> {});
      }
      silent = true;
    }

    @Override
    public void onError(Throwable failure) {
      onLoop(() -> broken(failure));
    }

    private void broken(Throwable failure) {
      LOG.error("A stream ended without its last event", failure);
      end();
    }

    @Override
    public void onComplete() {
      onLoop(this::end);
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
        vertx.cancelTimer(keepAliveTimer);
        if (subscription != null) {
          subscription.cancel();
        }
      }
    }
  }
}
