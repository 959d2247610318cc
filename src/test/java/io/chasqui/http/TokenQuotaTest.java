package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A key takes of the engine what its tokens a minute are worth, whatever it asks for. */
@QuarkusTest
@TestProfile(RequestGuardTest.Guarded.class)
class TokenQuotaTest {
  private static final String PROMPT = "Once upon a time";

  @TestHTTPResource("/")
  URI server;

  private HttpResponse<String> ask(String key, Object... fields) {
    return Api.send(
        Api.request(server, Api.COMPLETIONS)
            .header("Content-Type", "application/json")
            .header("Authorization", "Bearer " + key)
            .POST(HttpRequest.BodyPublishers.ofString(Api.completion(PROMPT, fields))));
  }

  private static void assertRefused(HttpResponse<String> response, String message) {
    assertEquals(429, response.statusCode(), response.body());
    JsonNode error = Api.error(response);
    assertEquals("rate_limit_exceeded", error.get("code").textValue());
    assertTrue(error.get("message").textValue().contains(message), error.toString());
    String wait = response.headers().firstValue("Retry-After").orElseThrow();
    assertTrue(Integer.parseInt(wait) >= 1, wait);
  }

  @ParameterizedTest
  @CsvSource({"sk-for-the-best-of-many, best_of", "sk-for-a-search-with-beams, num_beams"})
  void allThatIsComputedCountsAndNotOnlyWhatIsGiven(String key, String field) {
    HttpResponse<String> answer = ask(key, "ignore_eos", true, "max_tokens", 40, field, 16);

    assertEquals(200, answer.statusCode(), answer.body());
    JsonNode usage = Api.parse(answer.body()).get("usage");
    assertEquals(16 * 40, usage.get("completion_tokens").intValue());
    assertRefused(ask(key, "max_tokens", 1), "has used up its tokens");
  }

  @Test
  void aRequestWithoutALimitGoesAloneWhileSomethingIsLeft() {
    String body =
        Api.chat(Api.STORY, "ignore_eos", true); // the context has more than the key's minute
    HttpResponse<String> answer =
        Api.send(
            Api.request(server, Api.CHAT)
                .header("Content-Type", "application/json")
                .header("Authorization", "Bearer sk-for-one-without-limit")
                .POST(HttpRequest.BodyPublishers.ofString(body)));

    assertEquals(200, answer.statusCode(), answer.body());
    int total = Api.parse(answer.body()).at("/usage/total_tokens").intValue();
    assertTrue(total > 300, total + " tokens");
  }

  @Test
  void requestsSideBySideTakeNoMoreThanIsLeftAndOneRequest() throws Exception {
    int quota = 300;
    int longest = 200;
    try (ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<HttpResponse<String>> asking =
          () -> ask("sk-for-many-side-by-side", "ignore_eos", true, "max_tokens", longest);
      List<Future<HttpResponse<String>>> answers =
          clients.invokeAll(Stream.generate(() -> asking).limit(12).toList());
      int taken = 0;
      int cost = 0;
      for (Future<HttpResponse<String>> each : answers) {
        HttpResponse<String> answer = each.get();
        if (answer.statusCode() == 200) {
          cost = Api.parse(answer.body()).at("/usage/total_tokens").intValue();
          taken += cost;
        } else {
          assertRefused(answer, "tokens");
        }
      }
      assertTrue(taken > 0 && taken <= quota + cost, taken + " tokens");
    }
  }

  @Test
  void whatRunsMayTakeIsNotGivenToOthersUntilItsClientHasLeft() {
    String key = "sk-for-a-client-that-leaves";
    // More than the network's buffers hold, so that it does not end before its client leaves.
    String body =
        Api.completion(
            PROMPT, "ignore_eos", true, "max_tokens", 500, "n", 64, "logprobs", 5, "stream", true);
    String request =
        "POST %s HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            .formatted(Api.COMPLETIONS, key, body.length(), body);
    try (var client = new RawConnection(server)) {
      client.send(request.getBytes(StandardCharsets.US_ASCII));
      assertEquals("HTTP/1.1 200 OK", client.readHead().statusLine());
      client.readChunk();

      assertRefused(ask(key, "max_tokens", 1), "try again when one of them has ended");
      HttpRequest.Builder models =
          Api.request(server, "/v1/models").header("Authorization", "Bearer " + key);
      assertEquals(200, Api.send(models.GET()).statusCode(), "what takes no tokens need not wait");
    }
    Await.until("it is given back", () -> ask(key, "max_tokens", 1).statusCode() == 200);
  }
}
