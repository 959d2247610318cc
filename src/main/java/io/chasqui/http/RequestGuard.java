package io.chasqui.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.chasqui.config.ChasquiConfig;
import io.chasqui.ops.OpenRequests;
import io.chasqui.tracing.Tracing;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jboss.logging.Logger;
import org.jboss.logging.MDC;

/**
 * What a request passes before anybody reads it: it gets an id, which is on each line that the log
 * has of it; its path must be a {@linkplain PlainPath plain} one; it gets a trace where traces are
 * wanted; it must have a key where there are keys; and it must be here whole before long.
 */
@Singleton
class RequestGuard {
  private static final Logger LOG = Logger.getLogger(RequestGuard.class);

  /** What the log's format calls it. */
  private static final String LOGGED_ID = "requestId";

  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
  private static final String BEARER = "Bearer ";

  /** The API's own, of which traces tell. */
  private static final List<String> TRACED = List.of("/v1/*", "/tokenize", "/detokenize");

  /** What takes tokens of a key. */
  private static final Set<String> GENERATING = Set.of("/v1/chat/completions", "/v1/completions");

  /** A connection is closed so many stall timeouts after its client has stopped reading. */
  private static final int STALLS = 2;

  /** Before what answers a browser's question whether it may ask. */
  private static final int FIRST = -1000;

  /** After that, before all that answers more. */
  private static final int ORDER = -100;

  private static final Duration LOOK_AGAIN = Duration.ofMillis(20);

  private final Vertx vertx;
  private final Tracing tracing;
  private final ApiKeys keys;
  private final ObjectMapper json;
  private final BodyReader bodies;
  private final Http2Streams streams;

  RequestGuard(
      Vertx vertx,
      Tracing tracing,
      ApiKeys keys,
      RequestMemory memory,
      ObjectMapper json,
      ChasquiConfig config) {
    this.vertx = vertx;
    this.tracing = tracing;
    this.keys = keys;
    this.json = json;
    bodies =
        new BodyReader(
            vertx, config.bodyTimeout(), memory.largestBody(), memory.bodies(), this::refuse);
    streams = new Http2Streams(memory.streams());
    Connections.install(
        config.headTimeout(), config.stream().stallTimeout().multipliedBy(STALLS), streams);
  }

  void guard(@Observes Router router) {
    router.route().order(OpenRequests.ORDER - 1).handler(this::forgetWhoHasLeft);
    router.route().order(FIRST).failureHandler(this::answerFailure);
    router.route().order(FIRST).handler(this::identify);
    router.route().order(ORDER).handler(this::requireHead);
    router.route().order(ORDER).handler(this::requirePlainPath);
    if (tracing.isOn()) {
      TRACED.forEach(path -> router.route(path).order(ORDER).handler(tracing::begin));
    }
    if (keys.areNeeded()) {
      router.route().order(ORDER).handler(this::requireKey);
    }
    router.route().order(ORDER).handler(this::requireMethod);
    router.post().order(ORDER).handler(bodies);
    router.route().order(ORDER).handler(this::goOn);
  }

  /**
   * Answers what Vert.x refuses by itself, and forgets clients that left before they were answered.
   * Other failures are the server's: they are logged where they go on to.
   */
  private void answerFailure(RoutingContext client) {
    HttpServerResponse response = client.response();
    if (ClientLeft.isReasonOf(client.failure())) {
      LOG.debugf("A client left before it was answered: %s", client.failure().getMessage());
      if (!response.ended() && !response.closed()) {
        Connection.breakOff(client);
      }
    } else if (client.statusCode() / 100 == 4 && !response.headWritten()) {
      if (client.get(LOGGED_ID) != null || takeIn(client)) {
        refuse(client, refusedByVertx(client));
      }
    } else {
      client.next();
    }
  }

  /**
   * A request that waited for the one before it may come when its connection is closed already.
   * Then nobody would ever tell that it has ended.
   */
  private void forgetWhoHasLeft(RoutingContext client) {
    if (Connection.channel(client.request()).isActive()) {
      client.next();
    }
  }

  private static ApiException refusedByVertx(RoutingContext client) {
    HttpServerRequest request = client.request();
    if (request.version() != HttpVersion.HTTP_1_0 && request.authority() == null) {
      String message =
          request.getHeader(HttpHeaders.HOST) == null
              ? "Send the header 'Host' (HTTP/2: ':authority'), such as 'Host: localhost:8080'."
              : "Send the name of a host and at most a port in the header 'Host', such as 'localhost:8080'.";
      return ApiException.malformedHead(400, message);
    }
    if (!PlainPath.isPlain(request.uri())) {
      return ApiException.pathNotPlain();
    }
    String reason = HttpResponseStatus.valueOf(client.statusCode()).reasonPhrase();
    return ApiException.malformedHead(
        client.statusCode(), "The request cannot be served: %s.".formatted(reason));
  }

  private void identify(RoutingContext client) {
    if (takeIn(client)) {
      goOnWhenReadSoFar(client);
    }
  }

  /** Begins with a request; false if there is no room for it. */
  private boolean takeIn(RoutingContext client) {
    String asked = client.request().getHeader(RequestHead.REQUEST_ID);
    String id = asked != null && ID.matcher(asked).matches() ? asked : UUID.randomUUID().toString();
    client.response().putHeader(RequestHead.REQUEST_ID, id);
    MDC.put(LOGGED_ID, id);
    client.put(LOGGED_ID, id);
    Connection.arrived(client.request());
    client.addEndHandler(sent -> Connection.answered(client.request()));
    ClientWait.begin(client);
    return streams.takeIn(client);
  }

  /**
   * A client that asks again and again over one connection gets its next answer when it has read
   * the last ones: what it leaves unread is bounded.
   */
  private void goOnWhenReadSoFar(RoutingContext client) {
    if (client.request().version() == HttpVersion.HTTP_2) {
      Http2Streams.goOnWhenReadSoFar(client);
      return;
    }
    if (!client.response().writeQueueFull()) {
      client.next();
      return;
    }
    client.request().pause();
    vertx.setPeriodic(
        LOOK_AGAIN.toMillis(),
        timer -> {
          if (client.response().closed()) {
            vertx.cancelTimer(timer);
          } else if (!client.response().writeQueueFull()) {
            vertx.cancelTimer(timer);
            client.request().resume();
            client.next();
          }
        });
  }

  /** Logs with the request's id on threads too that the request's context does not follow to. */
  static <T> T identified(RoutingContext client, Supplier<T> logging) {
    Object before = MDC.get(LOGGED_ID);
    MDC.put(LOGGED_ID, client.get(LOGGED_ID));
    try {
      return logging.get();
    } finally {
      if (before == null) {
        MDC.remove(LOGGED_ID);
      } else {
        MDC.put(LOGGED_ID, before);
      }
    }
  }

  private void requireHead(RoutingContext client) {
    RequestHead.refusal(client.request())
        .ifPresentOrElse(error -> refuse(client, error), client::next);
  }

  private void requirePlainPath(RoutingContext client) {
    if (PlainPath.isPlain(client.request().uri())) {
      client.next();
    } else {
      refuse(client, ApiException.pathNotPlain());
    }
  }

  /**
   * A path takes its own methods only, which it tells whoever asks with OPTIONS, and what the
   * framework would serve besides is not there.
   */
  private void requireMethod(RoutingContext client) {
    String method = client.request().method().name();
    List<String> taken = Endpoints.methods(client.request().uri());
    boolean isQuestion = method.equals(Endpoints.QUESTION);
    if (taken.isEmpty() && (isQuestion || Endpoints.isFrameworks(client.request().uri()))) {
      refuse(client, ApiException.nothingHere());
    } else if (taken.isEmpty() || (taken.contains(method) && !isQuestion)) {
      client.next();
    } else {
      client.response().putHeader(HttpHeaders.ALLOW, String.join(", ", taken));
      if (isQuestion) {
        client.response().end();
      } else {
        refuse(client, ApiException.wrongMethod(taken));
      }
    }
  }

  /** Health, metrics and the page are free for all; whatever else there may be is not. */
  private void requireKey(RoutingContext client) {
    if (Endpoints.isFree(client.request().uri())) {
      client.next();
      return;
    }
    try {
      ApiKey key = presented(client).flatMap(keys::find).orElseThrow(ApiException::unauthorized);
      key.admit(GENERATING.contains(client.request().path()));
      key.attachTo(client);
    } catch (ApiException e) {
      refuse(client, e);
      return;
    }
    client.next();
  }

  private static Optional<String> presented(RoutingContext client) {
    String header = client.request().getHeader("Authorization");
    return header != null && header.regionMatches(true, 0, BEARER, 0, BEARER.length())
        ? Optional.of(header.substring(BEARER.length()).strip())
        : Optional.empty();
  }

  /**
   * The request is here whole, and its answer can be computed, unless that would leave no room for
   * those who ask how the server is.
   */
  private void goOn(RoutingContext client) {
    HttpServerRequest request = client.request();
    if (Endpoints.isProbe(request.uri())
        || (Connections.hasRoomToWork(request) && streams.hasRoomToWork(request))) {
      ClientWait.of(client).goOn();
      client.next();
    } else {
      refuse(client, ApiException.tooManyRequests());
    }
  }

  private void refuse(RoutingContext client, ApiException error) {
    HttpServerResponse response = client.response();
    response.setStatusCode(error.status()).putHeader("Content-Type", "application/json");
    if (error.status() == 401) {
      response.putHeader("WWW-Authenticate", "Bearer");
    }
    error
        .retryAfter()
        .ifPresent(wait -> response.putHeader("Retry-After", Long.toString(wait.toSeconds())));
    try {
      response.end(json.writeValueAsString(error.body()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("an error cannot be written as JSON", e);
    }
  }
}
