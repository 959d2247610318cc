package io.chasqui.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.chasqui.config.ChasquiConfig;
import io.chasqui.tracing.Tracing;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jboss.logging.MDC;

/**
 * What a request passes before anybody reads it: it gets an id, which is on each line that the log
 * has of it, and a trace where traces are wanted; it must have a key where there are keys; and it
 * must be here whole before long.
 */
@Singleton
class RequestGuard {
  /** In the request if the client has one, in the response in any case. */
  private static final String REQUEST_ID = "X-Request-Id";

  private static final Pattern ID = Pattern.compile("[A-Za-z0-9._:-]{1,128}");
  private static final String BEARER = "Bearer ";

  private static final String BODY_ARRIVED = "body-arrived";

  /** What costs something; health, metrics and the page are free for all. */
  private static final List<String> GUARDED = List.of("/v1/*", "/tokenize", "/detokenize");

  /** After what answers a browser's question whether it may ask, before all that answers more. */
  private static final int ORDER = -100;

  private final Tracing tracing;
  private final ApiKeys keys;
  private final Vertx vertx;
  private final ObjectMapper json;
  private final Duration bodyTimeout;

  RequestGuard(
      Tracing tracing, ApiKeys keys, Vertx vertx, ObjectMapper json, ChasquiConfig config) {
    this.tracing = tracing;
    this.keys = keys;
    this.vertx = vertx;
    this.json = json;
    bodyTimeout = config.bodyTimeout();
    HeadTimeout.install(config.headTimeout());
  }

  void guard(@Observes Router router) {
    router.route().order(ORDER).handler(this::identify);
    if (tracing.isOn()) {
      GUARDED.forEach(path -> router.route(path).order(ORDER).handler(tracing::begin));
    }
    if (keys.areNeeded()) {
      GUARDED.forEach(path -> router.route(path).order(ORDER).handler(this::requireKey));
    }
    router.route().order(ORDER).handler(this::awaitBody);
  }

  private void identify(RoutingContext client) {
    String asked = client.request().getHeader(REQUEST_ID);
    String id = asked != null && ID.matcher(asked).matches() ? asked : UUID.randomUUID().toString();
    client.response().putHeader(REQUEST_ID, id);
    MDC.put("requestId", id);
    HeadTimeout.arrived(client.request());
    client.addEndHandler(sent -> HeadTimeout.answered(client.request()));
    client.next();
  }

  /** A body that comes drop by drop would hold a thread. */
  private void awaitBody(RoutingContext client) {
    if (client.request().method().equals(HttpMethod.POST)) {
      long timer = vertx.setTimer(bodyTimeout.toMillis(), late -> client.response().reset());
      client.put(BODY_ARRIVED, (Runnable) () -> vertx.cancelTimer(timer));
      client.addEndHandler(sent -> bodyArrived(client));
    }
    client.next();
  }

  /** To be called when the body is read: what follows takes as long as it takes. */
  static void bodyArrived(RoutingContext client) {
    Runnable cancel = client.get(BODY_ARRIVED);
    if (cancel != null) {
      cancel.run();
    }
  }

  private void requireKey(RoutingContext client) {
    try {
      ApiKey key = presented(client).flatMap(keys::find).orElseThrow(ApiException::unauthorized);
      key.admit();
      key.attachTo(client);
    } catch (ApiException e) {
      refuse(client.response(), e);
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

  private void refuse(HttpServerResponse response, ApiException error) {
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
