package io.chasqui.http;

import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import io.vertx.ext.web.impl.RoutingContextInternal;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;

/**
 * Reads the whole body of a request on its event loop before anything else is done with it: one
 * that comes drop by drop holds no thread, and only for so long. A client hears what is wrong with
 * its body when it has sent all of it; many do not listen before.
 *
 * <p>RESTEasy pauses each request that it takes, and Vert.x has none of HTTP/2 paused that has
 * ended: such a request goes on with its last byte, before it ends. So its length must be known.
 */
final class BodyReader implements Handler<RoutingContext> {
  static final int LARGEST = 4 << 20;

  /** Bytes of bodies whose answers have not ended. */
  private final AtomicLong held = new AtomicLong();

  private final Vertx vertx;
  private final Duration timeout;
  private final long most;
  private final BiConsumer<RoutingContext, ApiException> refuse;

  /**
   * @param timeout how long a body may take to arrive; then its connection is closed
   * @param most bytes that all bodies may take together
   * @param refuse answers a request whose body cannot be taken
   */
  BodyReader(
      Vertx vertx, Duration timeout, long most, BiConsumer<RoutingContext, ApiException> refuse) {
    this.vertx = vertx;
    this.timeout = timeout;
    this.most = most;
    this.refuse = refuse;
  }

  @Override
  public void handle(RoutingContext client) {
    new Reading(client).begin();
  }

  /** One body. Its state is touched on its event loop only. */
  private final class Reading {
    private final RoutingContext client;
    private final long timer;
    private Buffer body = Buffer.buffer();
    private ApiException refusal;
    private long missing;

    Reading(RoutingContext client) {
      this.client = client;
      timer = vertx.setTimer(timeout.toMillis(), late -> client.response().reset());
    }

    void begin() {
      client.addEndHandler(sent -> {
        vertx.cancelTimer(timer);
        release();
      });
      HttpServerRequest request = client.request();
      if ("100-continue".equalsIgnoreCase(request.getHeader("Expect"))) {
        client.response().writeContinue();
      }
      if (request.version() == HttpVersion.HTTP_2) {
        goOnWithTheLastByte(request);
      } else {
        request.handler(this::take).endHandler(whole -> end());
      }
    }

    private void goOnWithTheLastByte(HttpServerRequest request) {
      String length = request.getHeader("Content-Length");
      if (length == null || !length.matches("[0-9]{1,18}")) {
        refuse(ApiException.lengthRequired());
        end();
        return;
      }
      missing = Long.parseLong(length);
      if (missing == 0) {
        end();
        return;
      }
      request.handler(piece -> {
        take(piece);
        missing -= piece.length();
        if (missing == 0) {
          end();
        }
      });
    }

    private void take(Buffer piece) {
      if (refusal != null) {
        return;
      }
      if (body.length() + piece.length() > LARGEST) {
        refuse(ApiException.bodyTooLarge(LARGEST));
      } else if (held.addAndGet(piece.length()) > most) {
        held.addAndGet(-piece.length());
        refuse(ApiException.tooManyBodies());
      } else {
        body.appendBuffer(piece);
      }
    }

    /** The rest is read and forgotten, in the time that there is for it. */
    private void refuse(ApiException error) {
      refusal = error;
      release();
    }

    private void release() {
      held.addAndGet(-body.length());
      body = Buffer.buffer();
    }

    private void end() {
      vertx.cancelTimer(timer);
      if (refusal != null) {
        refuse.accept(client, refusal);
      } else {
        ((RoutingContextInternal) client).setBody(body);
        client.next();
      }
    }
  }
}
