package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.chasqui.LogLines;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who asks needs a key, may ask so often, and must say what he wants before long. */
@QuarkusTest
@TestProfile(RequestGuardTest.Guarded.class)
class RequestGuardTest {
  private static final String KEY = "sk-0123456789abcdef";
  private static final String OTHER_KEY = "sk-another-key-to-come";
  private static final String KEYS =
      """
      usual %s
      hashed sha256:%s
      rare sk-only-two-requests requests=2
      short sk-only-a-few-tokens tokens=30
      urgent sk-may-be-urgent priority=-9
      best sk-for-the-best-of-many tokens=100
      search sk-for-a-search-with-beams tokens=100
      alone sk-for-one-without-limit tokens=50
      parallel sk-for-many-side-by-side tokens=300
      leaving sk-for-a-client-that-leaves tokens=20000
      """
          .formatted(KEY, HexFormat.of().formatHex(Sha256.of("sk-known-by-digest")));

  private static final Path FILE = file();

  private static Path file() {
    try {
      Path file = Files.createTempFile("keys", "");
      file.toFile().deleteOnExit();
      return Files.writeString(file, KEYS);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static final class Guarded implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "chasqui.api-keys-file", FILE.toString(),
          "chasqui.body-timeout", "1s",
          "quarkus.http.cors.enabled", "true",
          "quarkus.http.cors.origins", "https://app.example");
    }
  }

  @TestHTTPResource("/")
  URI server;

  @Inject RequestMemory memory;

  private HttpResponse<String> ask(String key, Object... fields) {
    return Api.send(
        Api.request(server, Api.COMPLETIONS)
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(Api.completion("One", fields))));
  }

  private HttpResponse<String> ask(String key) {
    return ask(key, "max_tokens", 4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Bearer", "Bearer sk-wrong-but-long-enough", "Basic " + KEY, KEY})
  void withoutAKeyNobodyIsAnswered(String authorization) {
    HttpRequest.Builder request = Api.request(server, "/v1/models").GET();
    if (!authorization.isEmpty()) {
      request.header("Authorization", authorization);
    }
    HttpResponse<String> refused = Api.send(request);

    assertEquals(401, refused.statusCode());
    assertEquals("invalid_api_key", Api.error(refused).get("code").textValue());
    assertEquals("Bearer", refused.headers().firstValue("WWW-Authenticate").orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"/v1/models", "/v1/completions", "/tokenize", "/detokenize"})
  void allThatCostsSomethingNeedsAKey(String path) {
    assertEquals(401, Api.post(server, path, "{}").statusCode());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"/q/health/live", "/q/health/", "/q/health/ready", "/metrics", "/q/metrics", "/"})
  void healthMetricsAndThePageNeedNone(String path) {
    Await.until(path + " is there", () -> Api.send(Api.request(server, path)).statusCode() == 200);
  }

  @ParameterizedTest
  @ValueSource(strings = {KEY, "sk-known-by-digest"})
  void aKeyOpens(String key) {
    assertEquals(200, ask(key).statusCode());
  }

  @Test
  void aKeySendsNoMoreRequestsThanItMay() {
    assertEquals(200, ask("sk-only-two-requests").statusCode());
    assertEquals(200, ask("sk-only-two-requests").statusCode());

    HttpResponse<String> refused = ask("sk-only-two-requests");

    assertEquals(429, refused.statusCode());
    JsonNode error = Api.error(refused);
    assertEquals("rate_limit_exceeded", error.get("code").textValue());
    assertTrue(error.get("message").textValue().contains("'rare'"), error.toString());
    int wait = Integer.parseInt(refused.headers().firstValue("Retry-After").orElseThrow());
    assertTrue(wait > 0 && wait <= 30, "of two requests a minute one comes in " + wait + " s");
  }

  @Test
  void aRequestIsNoMoreUrgentThanItsKeyAllows() {
    HttpResponse<String> refused = ask(KEY, "max_tokens", 4, "priority", -1);

    assertEquals(403, refused.statusCode());
    assertEquals("priority", Api.error(refused).get("param").textValue());
    assertEquals(200, ask(KEY, "max_tokens", 4, "priority", 1).statusCode());
    assertEquals(200, ask("sk-may-be-urgent", "max_tokens", 4, "priority", -9).statusCode());
  }

  @Test
  void aKeyCostsNoMoreTokensThanItMay() {
    int answers = 0;
    while (ask("sk-only-a-few-tokens").statusCode() == 200) {
      answers++;
    }

    // Each has a prompt of at least one token and an answer of four.
    assertTrue(answers >= 2 && answers <= 7, answers + " answers");
    assertEquals(200, ask(KEY).statusCode());
  }

  @Test
  void keysThatChangeCountWithoutARestart() throws IOException {
    try {
      Files.writeString(FILE, KEYS + "new " + OTHER_KEY + "\n");
      Await.until("the new key is known", () -> ask(OTHER_KEY).statusCode() == 200);
      Files.writeString(FILE, "broken\n");
      Files.writeString(FILE, KEYS);
      Await.until("it is forgotten", () -> ask(OTHER_KEY).statusCode() == 401);
      assertEquals(200, ask(KEY).statusCode());
    } finally {
      Files.writeString(FILE, KEYS);
    }
  }

  @Test
  void aKeyOpensWhileItsFileIsRewrittenInPlace() throws Exception {
    int middle = KEYS.indexOf(KEY) + KEY.length() - 1; // what is there is long enough for a key
    var rewritten = new AtomicBoolean();
    var statuses = new TreeSet<Integer>();
    try (ExecutorService client = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<?> asking =
          client.submit(() -> {
            while (!rewritten.get()) {
              statuses.add(models(KEY));
            }
          });
      try {
        for (int i = 0; i < 300; i++) {
          try (var file = Files.newBufferedWriter(FILE)) {
            pause();
            file.write(KEYS, 0, middle);
            file.flush();
            pause();
            file.write(KEYS, middle, KEYS.length() - middle);
          }
        }
      } finally {
        rewritten.set(true);
        asking.get(1, TimeUnit.MINUTES);
        Files.writeString(FILE, KEYS);
      }
    }
    assertEquals(Set.of(200), statuses);
  }

  private static void pause() {
    LockSupport.parkNanos(5_000_000);
  }

  private int models(String key) {
    return Api.send(
            Api.request(server, "/v1/models").header("Authorization", "Bearer " + key).GET())
        .statusCode();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nobody\n", "usual\n"})
  void aFileWithoutAKeyOrWithAWrongLineChangesNothing(String content) throws IOException {
    var log = new LogLines(ApiKeys.class);
    try {
      Files.writeString(FILE, content);
      Await.until("the file is read", () -> !log.at(Level.WARNING).isEmpty());
      assertEquals(200, models(KEY));
    } finally {
      Files.writeString(FILE, KEYS);
      log.close();
    }
  }

  @Test
  void aBrowserMayAskWhetherItMayAsk() {
    HttpResponse<String> preflight =
        Api.send(
            Api.request(server, Api.CHAT)
                .header("Origin", "https://app.example")
                .header("Access-Control-Request-Method", "POST")
                .header("Access-Control-Request-Headers", "authorization,content-type")
                .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));

    assertEquals(200, preflight.statusCode());
    assertEquals(
        "https://app.example",
        preflight.headers().firstValue("Access-Control-Allow-Origin").orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"abc-123", "a.b_c:d"})
  void aRequestKeepsItsId(String id) {
    HttpResponse<String> response =
        Api.send(Api.request(server, "/q/health/live").header("X-Request-Id", id));

    assertEquals(id, response.headers().firstValue("X-Request-Id").orElseThrow());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "with a blank", "{\"json\":1}"})
  void aRequestWithoutAUsableIdGetsOne(String id) {
    HttpResponse<String> response =
        Api.send(Api.request(server, "/q/health/live").header("X-Request-Id", id));

    String given = response.headers().firstValue("X-Request-Id").orElseThrow();
    assertEquals(given, UUID.fromString(given).toString());
  }

  private static String head(int bodyLength) {
    return "POST %s HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        .formatted(Api.COMPLETIONS, KEY, bodyLength);
  }

  private static void send(RawConnection connection, String text) {
    connection.send(text.getBytes(StandardCharsets.US_ASCII));
  }

  private static void requireEnd(RawConnection connection) {
    var end = assertThrows(UncheckedIOException.class, connection::readHead);
    assertFalse(end.getCause() instanceof SocketTimeoutException, "it is still open");
  }

  @ParameterizedTest
  @CsvSource({
    "GET / HTTP/1.1, 400, invalid_request, Send the header 'Host'.*",
    "GET / HTTP/1.1|Host: a b, 400, invalid_request, Send the name of a host.*",
    "GET / HTTP/1.1|Host: a:99999999, 400, invalid_request, Send the name of a host.*",
    "GET * HTTP/1.1|Host: test, 400, invalid_path, Write the path plainly.*",
    "GET v1/models HTTP/1.1|Host: test, 400, invalid_path, Write the path plainly.*",
    "GET / HTTP/1.1|Host: test|Expect: 200-ok, 417, invalid_request, .*'Expect: 100-continue'.*"
  })
  void whatVertxWouldRefuseIsToldInTheApisForm(
      String head, int status, String code, String message) {
    try (var connection = new RawConnection(server)) {
      send(connection, head.replace("|", "\r\n") + "\r\nX-Request-Id: abc\r\n\r\n");
      RawConnection.Head answer = connection.readHead();
      String body = connection.readText(Integer.parseInt(answer.headers().get("content-length")));

      assertTrue(answer.statusLine().startsWith("HTTP/1.1 " + status), answer.statusLine());
      assertEquals("abc", answer.headers().get("x-request-id"));
      assertEquals("application/json", answer.headers().get("content-type"));
      JsonNode error = Api.parse(body).get("error");
      assertEquals(code, error.get("code").textValue());
      assertTrue(error.get("message").textValue().matches(message), body);
    }
  }

  @ParameterizedTest
  @EnumSource(HttpClient.Version.class)
  void aRequestOfManyHeadersIsRefused(HttpClient.Version version) throws Exception {
    try (HttpClient client = HttpClient.newBuilder().version(version).build()) {
      HttpRequest.Builder request = Api.request(server, "/q/health/live");
      client.send(request.build(), HttpResponse.BodyHandlers.discarding());
      for (int i = 0; i < 100; i++) {
        request.header("X-" + i % 9, "value " + i);
      }

      HttpResponse<String> refused =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());

      assertEquals(version, refused.version());
      assertEquals(431, refused.statusCode());
      assertTrue(Api.error(refused).get("message").textValue().contains("100 headers"));
    }
  }

  private static void requireError(int status, String code, RawConnection connection) {
    RawConnection.Head answer = connection.readHead();
    String body = connection.readText(Integer.parseInt(answer.headers().get("content-length")));
    assertTrue(answer.statusLine().startsWith("HTTP/1.1 " + status), answer.statusLine());
    assertEquals(code, Api.parse(body).at("/error/code").textValue());
  }

  @Test
  void aBodyThatDoesNotComeEndsItsConnection() {
    try (var connection = new RawConnection(server)) {
      send(connection, head(1000) + "{");
      requireError(408, "body_timeout", connection);
      requireEnd(connection);
    }
    assertEquals(200, ask(KEY).statusCode());
  }

  @Test
  void aBodyThatIsRefusedAndDoesNotEndEndsItsConnectionToo() {
    try (var connection = new RawConnection(server)) {
      send(connection, head(2 * memory.largestBody()));
      connection.send(new byte[memory.largestBody() + 1]);
      requireError(413, "body_too_large", connection);
      requireEnd(connection);
    }
  }

  @Test
  void anAnswerMayTakeLongerThanABodyToArrive() {
    String body = Api.completion("One", "max_tokens", 1500, "ignore_eos", true, "stream", true);
    try (var connection = new RawConnection(server)) {
      send(connection, head(body.length()) + body);
      connection.readHead();
      List<String> chunks = connection.readChunks();
      assertTrue(chunks.getLast().endsWith("data: [DONE]\n\n"), chunks.getLast());
    }
  }
}
