package io.chasqui.pack;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Requests to a hub. Redirects are followed here rather than by the JDK's client, so that the token
 * goes to the hub itself and to no other host, and so that the hub's own headers about a file are
 * seen.
 */
final class HubClient implements AutoCloseable {
  private static final int MAX_REDIRECTS = 10;
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(20);

  private final URI endpoint;
  private final Optional<String> token;
  private final Duration patience;
  private final HttpClient http;
  private final StallGuard stallGuard;
  private boolean reached;

  /**
   * What came back in the end.
   *
   * @param status 200 to 299, or 416
   * @param hub the headers of the hub's own last answer; what they say of a file, a CDN cannot
   *     change
   * @param headers the headers that came with the body
   */
  record Answer(int status, HttpHeaders hub, HttpHeaders headers, InputStream body)
      implements AutoCloseable {
    @Override
    public void close() throws IOException {
      body.close();
    }
  }

  /**
   * A client for one hub.
   *
   * @param patience how long a server may be silent
   */
  HubClient(URI endpoint, Optional<String> token, Duration patience) {
    this.endpoint = endpoint;
    this.token = token;
    this.patience = patience;
    this.stallGuard = new StallGuard(patience);
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(CONNECT_TIMEOUT)
            .build();
  }

  /**
   * Asks for a path of the hub.
   *
   * @param path starts with a slash, and is encoded
   * @param model whose file it is, for error messages
   * @throws DownloadException when trying again would not help
   */
  Answer get(String path, Map<String, String> headers, HubModel model)
      throws TransientFailure, InterruptedException {
    URI uri = URI.create(endpoint.toString().replaceAll("/+$", "") + path);
    HttpHeaders hub = null;
    for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      HttpResponse<InputStream> response = send(uri, headers);
      int status = response.statusCode();
      if (isHub(uri)) {
        hub = response.headers();
      }
      if (status / 100 == 2 || status == 416) {
        return new Answer(
            status,
            Objects.requireNonNull(hub),
            response.headers(),
            stallGuard.watch(response.body()));
      }
      close(response.body());
      if (status / 100 != 3) {
        throw refusal(status, uri, response.headers(), model);
      }
      uri = target(uri, response.headers());
    }
    throw new DownloadException(
        "The server redirects without end when asked for " + path + "; check HF_ENDPOINT.");
  }

  @Override
  public void close() {
    stallGuard.close();
    http.shutdownNow();
    http.close();
  }

  private HttpResponse<InputStream> send(URI uri, Map<String, String> headers)
      throws TransientFailure, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri).timeout(patience).header("User-Agent", "chasqui");
    headers.forEach(request::header);
    if (isHub(uri)) {
      token.ifPresent(secret -> request.header("Authorization", "Bearer " + secret));
    }
    try {
      HttpResponse<InputStream> response = http.send(request.build(), BodyHandlers.ofInputStream());
      reached = true;
      return response;
    } catch (ConnectException | HttpConnectTimeoutException e) {
      if (!reached) {
        throw new DownloadException(
            "%s cannot be reached: check the network, or set HF_ENDPOINT to a mirror. A model that was downloaded before is used without network."
                .formatted(uri.getHost()),
            e);
      }
      throw new TransientFailure(uri.getHost() + " cannot be reached", e);
    } catch (IOException e) {
      throw new TransientFailure("the connection to %s failed (%s)".formatted(uri.getHost(), e), e);
    }
  }

  private boolean isHub(URI uri) {
    return uri.getScheme().equalsIgnoreCase(endpoint.getScheme())
        && uri.getHost().equalsIgnoreCase(endpoint.getHost())
        && port(uri) == port(endpoint);
  }

  private static int port(URI uri) {
    if (uri.getPort() >= 0) {
      return uri.getPort();
    }
    return uri.getScheme().equalsIgnoreCase("https") ? 443 : 80;
  }

  static URI target(URI from, HttpHeaders headers) {
    String location = headers.firstValue("Location").orElse("");
    try {
      URI target = from.resolve(location);
      String scheme = target.getScheme().toLowerCase(Locale.ROOT);
      boolean secure = scheme.equals("https");
      boolean allowed = secure || (scheme.equals("http") && !from.getScheme().equals("https"));
      if (allowed && target.getHost() != null && !location.isEmpty()) {
        return target;
      }
    } catch (IllegalArgumentException e) {
      throw new DownloadException(
          from.getHost() + " redirects to what is not an address: " + location, e);
    }
    throw new DownloadException(
        from.getHost() + " redirects to an address that is not safe to follow: " + location);
  }

  private DownloadException refusal(int status, URI uri, HttpHeaders headers, HubModel model)
      throws TransientFailure {
    String id = model.id();
    if (status == 429 || status == 408 || status >= 500) {
      throw new TransientFailure(
          "%s answered %d".formatted(uri.getHost(), status), retryAfter(headers, Instant.now()));
    }
    return new DownloadException(
        switch (status) {
          case 401 ->
              "The model %s does not exist or may not be read without permission (401): check the name, or set HF_TOKEN to a token that may read %s."
                  .formatted(id, id);
          case 403 ->
              "The model %s may not be read (403): accept its terms at %s/%s, and set HF_TOKEN to a token that may read it."
                  .formatted(id, endpoint, id);
          case 404 ->
              "Unknown model or revision: %s at revision %s (404); check the spelling at %s."
                  .formatted(id, model.revision(), endpoint);
          default ->
              "%s answered %d when asked for %s; check HF_ENDPOINT."
                  .formatted(uri.getHost(), status, uri.getPath());
        });
  }

  /** Seconds or a date. Source: RFC 9110, section 10.2.3. */
  static Optional<Duration> retryAfter(HttpHeaders headers, Instant now) {
    return headers
        .firstValue("Retry-After")
        .map(value -> {
          try {
            if (value.matches("[0-9]{1,9}")) {
              return Duration.ofSeconds(Long.parseLong(value));
            }
            Instant date =
                ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
            return date.isBefore(now) ? Duration.ZERO : Duration.between(now, date);
          } catch (DateTimeParseException e) {
            // A header that nobody can read counts as absent.
            return null;
          }
        });
  }

  private static void close(InputStream body) throws TransientFailure {
    try {
      body.close();
    } catch (IOException e) {
      throw new TransientFailure("the connection failed (" + e.getMessage() + ")", e);
    }
  }
}
