package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.chasqui.ops.LentModel;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that come while the model is still loading. */
@QuarkusTest
class HeldRequestTest {
  private static final String MILLISECONDS = "dur=\\d+\\.\\d";

  /** Main is not entered in a test, unless the test says so. */
  private static final String LISTEN = "(runtime;" + MILLISECONDS + ", )?listen;" + MILLISECONDS;

  private static final String LOAD_AND_READY = "load;" + MILLISECONDS + ", ready;" + MILLISECONDS;

  @TestHTTPResource("/")
  URI server;

  @Test
  void aRequestThatComesTooEarlyWaitsForTheModel() {
    try (LentModel model = LentModels.lend("early", "demo", 4, Duration.ofSeconds(30))) {
      String path = LentModels.chatPath("early");
      String expected = Api.text(server, Api.chat("Hello"));
      var whole = CompletableFuture.supplyAsync(() -> Api.post(server, path, Api.chat("Hello")));
      try (var stream = RawConnection.post(server, path, Api.chat("Hello", "stream", true))) {
        Await.until("both requests are held", () -> LentModels.held("early") == 2);
        assertFalse(model.served().isReady());
        assertFalse(whole.isDone());

        model.letLoad();
        assertEquals("HTTP/1.1 200 OK", stream.readHead().statusLine());
        assertEquals(expected, Frames.of(stream.readChunks()).chatText());
        var answer = Api.parse(whole.join().body());
        assertEquals(expected, answer.at("/choices/0/message/content").textValue());
      }
    }
  }

  @Test
  void anEarlyStreamIsToldTheProgressAtOnceWithEachPhaseAndEverySecond() {
    try (LentModel model = lend("told", "demo")) {
      try (var stream = post("told", Api.chat("Hello", "stream", true))) {
        assertStreams(stream.readHead());
        double first = secondsOf("loading the model", stream.readChunk());
        double second = secondsOf("loading the model", stream.readChunk());
        assertTrue(Math.abs(second - first - 1) < 0.9, first + " s, then " + second + " s");
        assertFalse(model.served().isReady());

        model.letLoad();
        Frames rest = Frames.of(stream.readChunks());
        assertTrue(
            rest.comments().stream()
                .anyMatch(comment -> comment.startsWith("computing the first token, ")),
            rest.comments().toString());
        assertEquals(Api.text(server, Api.chat("Hello")), rest.chatText());
      }
    }
  }

  @Test
  void theFirstAnswerTellsWhatTheColdStartCost() {
    try (LentModel model = lend("timed", "demo")) {
      try (var first = post("timed", Api.chat("Hello", "stream", true));
          var second = post("timed", Api.chat("Hello", "stream", true))) {
        String timing = first.readHead().headers().get("server-timing");
        String other = second.readHead().headers().get("server-timing");
        // The server takes them in an order of its own.
        assertTrue((timing == null) != (other == null), timing + " and " + other);
        assertTrue((timing == null ? other : timing).matches(LISTEN), timing + " and " + other);

        model.letLoad();
        List<String> comments = timings(first.readChunks());
        List<String> others = timings(second.readChunks());
        assertEquals(List.of(), timing == null ? comments : others);
        List<String> told = timing == null ? others : comments;
        assertEquals(1, told.size(), told.toString());
        assertTrue(told.getFirst().matches("Server-Timing: " + LOAD_AND_READY), told.toString());
      }
      assertTrue(serverTiming("timed").isEmpty());
    }
  }

  @Test
  void aFirstAnswerThatWasNotHeldTellsAllOfItInItsHead() {
    try (LentModel model = lend("late", "demo")) {
      model.letLoad();
      model.engine();

      String timing = serverTiming("late").orElseThrow();
      assertTrue(timing.matches(LISTEN + ", " + LOAD_AND_READY), timing);
      assertTrue(serverTiming("late").isEmpty());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aWrongBodyIsRefusedAtOnce(boolean stream) {
    try (LentModel model = lend("wrong", "demo")) {
      String body = Api.chat("Hello", "top_p", 5, "stream", stream);
      var refused = Api.post(server, LentModels.chatPath("wrong"), body);

      assertEquals(400, refused.statusCode());
      Api.error(refused);
      assertFalse(model.served().isReady());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anotherModelIsRefusedAtOnceWhereTheNameIsASetting(boolean stream) {
    try (LentModel model = lend("named", "demo")) {
      String body = Api.chat("Hello", "model", "other", "stream", stream);
      var refused = Api.post(server, LentModels.chatPath("named"), body);

      assertEquals(404, refused.statusCode());
      assertEquals("model_not_found", Api.error(refused).get("code").textValue());
      assertFalse(model.served().isReady());
    }
  }

  @Test
  void whatOnlyTheModelCanTellIsTheLastEventOfAnEarlyStream() {
    try (LentModel model = lend("unnamed", LentModel.UNNAMED)) {
      String other = Api.chat("Hello", "model", "other", "stream", true);
      String tooLong = Api.chat("Hello ".repeat(1000), "stream", true);
      try (var unknown = post("unnamed", other);
          var exceeds = post("unnamed", tooLong)) {
        assertStreams(unknown.readHead());
        assertStreams(exceeds.readHead());

        model.letLoad();
        assertEquals("model_not_found", onlyError(unknown));
        assertEquals("context_length_exceeded", onlyError(exceeds));
      }
    }
  }

  @Test
  void anEarlyStreamThatFindsTheQueueFullSaysSo() {
    try (LentModel model =
        LentModels.lend("full", LentModels.HUGE_NAME, 1, Duration.ofMinutes(10))) {
      String body = Api.chat(Api.STORY, "model", LentModels.HUGE_NAME, "stream", true);
      try (var first = post("full", body);
          var second = post("full", body);
          var third = post("full", body)) {
        var streams = List.of(first, second, third);
        streams.forEach(stream -> assertStreams(stream.readHead()));

        model.hold();
        model.letLoad();
        // One runs, one waits.
        List<String> codes =
            streams.stream()
                .map(HeldRequestTest::firstEvent)
                .map(event -> event.at("/error/code").asText(""))
                .sorted()
                .toList();
        assertEquals(List.of("", "", "queue_full"), codes);
      }
    }
  }

  @Test
  void whoWaitsForAModelThatCannotBeLoadedIsToldBeforeTheProcessEnds() {
    try (LentModel model = lend("broken", LentModel.BROKEN)) {
      String path = LentModels.chatPath("broken");
      String body = Api.chat("Hello", "model", LentModel.BROKEN);
      String streamed = Api.chat("Hello", "model", LentModel.BROKEN, "stream", true);
      var whole = CompletableFuture.supplyAsync(() -> Api.post(server, path, body));
      try (var stream = post("broken", streamed)) {
        assertStreams(stream.readHead());
        Await.until("both requests are held", () -> LentModels.held("broken") == 2);

        model.letLoad();
        assertEquals("model_unavailable", onlyError(stream));
        assertUnavailable(whole.join());
        Await.until("the process ends", () -> model.exits() == 1);
        assertUnavailable(Api.post(server, path, streamed));
      }
    }
  }

  @Test
  void aClientThatLeavesTakesNothingFromThoseThatStay() {
    try (LentModel model = LentModels.lend("left", "demo", 4, Duration.ofSeconds(30))) {
      String path = LentModels.chatPath("left");
      try (var whole = RawConnection.post(server, path, Api.chat(Api.STORY));
          var stream = RawConnection.post(server, path, Api.chat(Api.STORY, "stream", true))) {
        Await.until("both are held", () -> LentModels.held("left") == 2);
      }
      Await.until("both clients are gone", () -> LentModels.gone("left") == 2);
      String last = Api.chat("Hello", "max_tokens", 2);
      var stays = CompletableFuture.supplyAsync(() -> Api.post(server, path, last));
      Await.until("the third is held", () -> LentModels.held("left") == 3);

      model.letLoad();
      assertEquals(200, stays.join().statusCode(), stays.join().body());
      Await.until("nothing is left to do", () -> model.engine().running() == 0);
      assertEquals(0, model.engine().waiting());
      assertEquals(1, model.ended("length"));
      assertEquals(0, model.ended("stop"));
      // Who left before the framework listened is admitted, and ends within a token.
      assertTrue(model.tokensComputed() <= 4, model.tokensComputed() + " tokens");
    }
  }

  @RepeatedTest(5)
  void clientsThatLeaveAsTheModelBecomesReadyLeaveNothingBehind() {
    int clients = 30;
    // An answer that nobody reads or cancels would stay for ten minutes.
    try (LentModel model = LentModels.lend("leaving", "endless", clients, Duration.ofMinutes(10))) {
      String body = Api.chat(Api.STORY, "model", "endless", "stream", true);
      var streams = Stream.generate(() -> post("leaving", body)).limit(clients).toList();
      streams.forEach(stream -> assertStreams(stream.readHead()));

      model.letLoad();
      model.engine();
      streams.forEach(RawConnection::close);
      Await.until("all clients are gone", () -> LentModels.gone("leaving") == clients);
      Await.until(
          "nothing is left to do",
          () -> model.engine().running() == 0 && model.engine().waiting() == 0);
    }
  }

  private static LentModel lend(String path, String name) {
    return LentModels.lend(path, name, 4, Duration.ofSeconds(30));
  }

  private RawConnection post(String path, String body) {
    return RawConnection.post(server, LentModels.chatPath(path), body);
  }

  private Optional<String> serverTiming(String path) {
    return Api.post(server, LentModels.chatPath(path), Api.chat("Hello"))
        .headers()
        .firstValue("Server-Timing");
  }

  private static void assertStreams(RawConnection.Head head) {
    assertEquals("HTTP/1.1 200 OK", head.statusLine());
    assertTrue(head.headers().get("content-type").startsWith("text/event-stream"));
  }

  private static double secondsOf(String phase, String chunk) {
    Matcher comment = Pattern.compile(": " + phase + ", (\\d+\\.\\d) s\n\n").matcher(chunk);
    assertTrue(comment.matches(), chunk);
    return Double.parseDouble(comment.group(1));
  }

  private static List<String> timings(List<String> chunks) {
    return Frames.of(chunks).comments().stream()
        .filter(comment -> comment.startsWith("Server-Timing"))
        .toList();
  }

  /** The code of the error that a stream has instead of an answer. */
  private static String onlyError(RawConnection stream) {
    List<JsonNode> events = Frames.of(stream.readChunks()).json();
    assertEquals(1, events.size(), events.toString());
    return events.getFirst().at("/error/code").textValue();
  }

  private static JsonNode firstEvent(RawConnection stream) {
    String chunk = stream.readChunk();
    while (chunk.startsWith(":")) {
      chunk = stream.readChunk();
    }
    return Api.parse(Frames.of(List.of(chunk)).data().getFirst());
  }

  private static void assertUnavailable(HttpResponse<String> response) {
    assertEquals(503, response.statusCode(), response.body());
    JsonNode error = Api.parse(response.body()).get("error");
    assertEquals("model_unavailable", error.get("code").textValue());
    assertFalse(response.body().contains("/there/is"), response.body());
  }
}
