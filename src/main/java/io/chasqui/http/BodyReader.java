package io.chasqui.http;

import io.vertx.core.Context;
import io.vertx.core.Handler;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.RoutingContext;
import java.time.Duration;
import java.util.Arrays;
import java.util.function.BiConsumer;

/**
 * Reads the whole body of a request on its event loop before anything else is done with it: one
 * that comes drop by drop holds no thread, and only for so long. A client hears what is wrong with
 * its body when it has sent all of it; many do not listen before.
 *
 * <p>All bodies {@linkplain FairShare share} some memory until their requests are with the engine.
 * A body that is still on its way gives way when it is full.
 *
 * <p>RESTEasy pauses each request that it takes, and Vert.x has none of HTTP/2 paused that has
 * ended: such a request goes on with its last byte, before it ends. So its length must be known.
 */
final class BodyReader implements Handler<RoutingContext> {
  /** In the header {@code Expect}: the client waits for an answer before it sends a body. */
  static final String CONTINUE = "100-continue";

  private static final String KEY = BodyReader.class.getName();

  private static final byte[] NOTHING = {};

  private static final long UNKNOWN = -1;

  /** What a body has room for at first; twice as much each time when that is full. */
  private static final int FIRST_ROOM = 1024;

  private final Vertx vertx;
  private final Duration timeout;
  private final int largest;
  private final FairShare memory;
  private final BiConsumer<RoutingContext, ApiException> refuse;

  /**
   * @param timeout how long a body may take to arrive; then its connection is closed
   * @param largest bytes that one body may have
   * @param memory bytes that all bodies may take together
   * @param refuse answers a request whose body cannot be taken
   */
  BodyReader(
      Vertx vertx,
      Duration timeout,
      int largest,
      FairShare memory,
      BiConsumer<RoutingContext, ApiException> refuse) {
    this.vertx = vertx;
    this.timeout = timeout;
    this.largest = largest;
    this.memory = memory;
    this.refuse = refuse;
  }

  /**
   * The body of a request, once; its memory counts until {@link #giveBack}.
   *
   * @param treeBytes what the tree of its values may take
   */
  static RequestBody take(RoutingContext client, long treeBytes) {
    Reading reading = client.get(KEY);
    return reading == null ? new RequestBody(NOTHING, 0, treeBytes) : reading.take(treeBytes);
  }

  /** The request has no further use for what its body has become. */
  static void giveBack(RoutingContext client) {
    Reading reading = client.get(KEY);
    if (reading != null) {
      reading.share.end();
    }
  }

  @Override
  public void handle(RoutingContext client) {
    var reading = new Reading(client);
    client.put(KEY, reading);
    reading.begin();
  }

  /** How long a body is, as its head tells. */
  private static long length(HttpServerRequest request) {
    String length = request.getHeader("Content-Length");
    return length != null && length.matches("[0-9]{1,18}") ? Long.parseLong(length) : UNKNOWN;
  }

  /** One body. It is touched on its event loop only, until it is whole. */
  private final class Reading {
    private final RoutingContext client;
    private final Context eventLoop = vertx.getOrCreateContext();

    private final FairShare.Part share;
    private final long timer;

    /** The body, and room for more of it; counted as a whole. */
    private byte[] bytes = NOTHING;

    private int length;
    private ApiException refusal;
    private long missing;

    Reading(RoutingContext client) {
      this.client = client;
      share = memory.new Part(FairShare.owner(client), this::giveWay);
      timer = vertx.setTimer(timeout.toMillis(), late -> endLate());
    }

    void begin() {
      client.addEndHandler(sent -> {
        vertx.cancelTimer(timer);
        share.end();
      });
      share.waitForClient();
      HttpServerRequest request = client.request();
      if (CONTINUE.equalsIgnoreCase(request.getHeader("Expect"))) {
        if (length(request) > largest) {
          refuseBeforeItsEnd(ApiException.bodyTooLarge(largest));
          return;
        }
        client.response().writeContinue();
      }
      if (request.version() == HttpVersion.HTTP_2) {
        goOnWithTheLastByte(request);
      } else {
        request.handler(this::add).endHandler(whole -> end());
      }
    }

    /** The rest of the body may come or not: no request can follow it. */
    private void refuseBeforeItsEnd(ApiException error) {
      HttpServerRequest request = client.request();
      if (request.version() != HttpVersion.HTTP_2) {
        client.response().putHeader("Connection", "close");
        client.addEndHandler(sent -> request.connection().close());
      }
      request.handler(ignored -> {}).endHandler(ignored -> {});
      refuse(error);
      end();
    }

    private void endLate() {
      refuseBeforeItsEnd(refusal == null ? ApiException.bodyTooLate(timeout) : refusal);
    }

    private void goOnWithTheLastByte(HttpServerRequest request) {
      missing = length(request);
      if (missing == UNKNOWN) {
        refuse(ApiException.lengthRequired());
        end();
        return;
      }
      if (missing == 0) {
        end();
        return;
      }
      request.handler(piece -> {
        add(piece);
        missing -= piece.length();
        if (missing == 0) {
          end();
        }
      });
    }

    private void add(Buffer piece) {
      if (refusal != null) {
        return;
      }
      int needed = length + piece.length();
      if (needed > largest) {
        refuse(ApiException.bodyTooLarge(largest));
      } else if (needed > bytes.length && !makeRoom(needed)) {
        refuse(ApiException.tooManyBodies());
      } else {
        share.waitForClient();
        piece.getBytes(bytes, length);
        length = needed;
      }
    }

    private boolean makeRoom(int needed) {
      int room = Math.min(largest, Math.max(FIRST_ROOM, Integer.highestOneBit(needed - 1) * 2));
      if (!share.take(room - bytes.length)) {
        return false;
      }
      bytes = Arrays.copyOf(bytes, room);
      return true;
    }

    /** The rest is read and forgotten, in the time that there is for it. */
    private void refuse(ApiException error) {
      refusal = error;
      bytes = NOTHING;
      length = 0;
      share.end();
    }

    private void giveWay() {
      eventLoop.runOnContext(v -> {
        if (refusal == null) {
          refuse(ApiException.tooManyBodies());
        }
      });
    }

    private void end() {
      vertx.cancelTimer(timer);
      share.goOn();
      if (share.hasEnded() && refusal == null) {
        refusal = ApiException.tooManyBodies(); // it has just given way
      }
      if (refusal != null) {
        refuse.accept(client, refusal);
      } else {
        client.next();
      }
    }

    RequestBody take(long treeBytes) {
      var body = new RequestBody(bytes, length, treeBytes);
      bytes = NOTHING;
      length = 0;
      return body;
    }
  }
}
