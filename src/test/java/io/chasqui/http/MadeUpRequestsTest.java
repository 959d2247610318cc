package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Clients cannot make series of metrics. */
@QuarkusTest
class MadeUpRequestsTest {
  private static final int REQUESTS = 10_000;

  /** Requests that are sent before the first answer is read. */
  private static final int AT_ONCE = 50;

  @TestHTTPResource("/")
  URI server;

  private List<String> series() {
    return Api.send(Api.request(server, "/metrics"))
        .body()
        .lines()
        .filter(line -> !line.startsWith("#"))
        .toList();
  }

  private static String request(int number, Random random) {
    String[] methods = {"GET", "M" + number, "get", "DELETE", "OPTIONS"};
    String[] paths = {"/p", "/v1/p", "/v1/models/p", "/q/p", "/q/health/p", "/%70", "/lent/p"};
    return "%s %s%d?q%d HTTP/1.1\r\nHost: host%d\r\nX-Name%d: value\r\nOrigin: http://o%d\r\nX-Request-Id: id%d\r\n\r\n"
        .formatted(
            methods[random.nextInt(methods.length)],
            paths[random.nextInt(paths.length)],
            number,
            number,
            number,
            number,
            number,
            number);
  }

  @Test
  void madeUpMethodsPathsHostsAndHeadersMakeAFewSeriesAtMost() {
    var random = new Random(1);
    int before = series().size();
    try (var connection = new RawConnection(server)) {
      for (int i = 0; i < REQUESTS; i += AT_ONCE) {
        var requests = new StringBuilder();
        for (int j = 0; j < AT_ONCE; j++) {
          requests.append(request(i + j, random));
        }
        connection.send(requests.toString().getBytes(StandardCharsets.US_ASCII));
        for (int j = 0; j < AT_ONCE; j++) {
          RawConnection.Head head = connection.readHead();
          connection.readText(Integer.parseInt(head.headers().getOrDefault("content-length", "0")));
        }
      }
    }
    List<String> after = series();

    List<String> requests =
        after.stream().filter(line -> line.startsWith("http_server_requests")).toList();
    assertTrue(
        after.size() - before < 100,
        () ->
            after.size()
                - before
                + " series more: "
                + requests.stream().limit(40).collect(Collectors.joining("\n")));
    assertTrue(requests.stream().anyMatch(line -> line.contains("method=\"_OTHER\"")));
  }

  @ParameterizedTest
  @CsvSource({
    "POST, /v1/chat/completions, /v1/chat/completions",
    "POST, /v1/completions, /v1/completions",
    "POST, /tokenize, /tokenize",
    "POST, /detokenize, /detokenize",
    "GET, /v1/estimate, /v1/estimate",
    "GET, /v1/models, /v1/models",
    "GET, /v1/models/demo, /v1/models/{id:.+}",
    "GET, /metrics, /metrics",
    "GET, /, root",
    "GET, /index.html, /index.html"
  })
  void everyRouteHasALabel(String method, String path, String label) {
    if (method.equals("GET")) {
      Api.send(Api.request(server, path));
    } else {
      Api.post(server, path, "{}");
    }
    Await.until(
        "the request is counted",
        () ->
            series().stream()
                .filter(line -> line.startsWith("http_server_requests_seconds_count"))
                .filter(line -> line.contains("method=\"" + method + "\""))
                .anyMatch(line -> line.contains("uri=\"" + label + "\"")));
  }
}
