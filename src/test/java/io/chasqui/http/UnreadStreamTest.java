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
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a client that does not read, or goes away, does to the engine and to others. */
@QuarkusTest
class UnreadStreamTest {
  private static final int QUEUE_CAPACITY = 3;
  private static final String PATH = LentModels.chatPath("unread");
  private static LentModel model;

  @TestHTTPResource("/")
  URI server;

  private static LentModel model() {
    if (model == null) {
      model =
          LentModels.lend("unread", LentModels.HUGE_NAME, QUEUE_CAPACITY, Duration.ofMinutes(10));
      model.letLoad();
      model.engine();
    }
    return model;
  }

  @AfterEach
  void allIsGivenBack() {
    model().release();
    Await.until("nothing runs", () -> model().engine().running() == 0);
    assertEquals(0, model().engine().waiting());
  }

  @AfterAll
  static void giveBack() {
    model.close();
    model = null;
  }

  @Test
  void theFirstTokenArrivesBeforeTheLastIsComputed() {
    model();
    JsonNode whole = Api.answer(server, PATH, chat(false));
    int length = whole.at("/usage/completion_tokens").intValue();
    long before = model().tokensComputed();
    try (var client = openStream()) {
      List<String> read = new ArrayList<>(List.of(client.readChunk(), client.readChunk()));
      assertFalse(
          Api.parse(Frames.of(read).data().get(1))
              .at("/choices/0/delta/content")
              .textValue()
              .isEmpty());

      Await.until("the engine waits for the reader", UnreadStreamTest::engineWaitsForAReader);
      long ahead = model().tokensComputed() - before;
      assertEquals(1, model().engine().running());
      assertEquals(1, model().gauge("vllm:num_requests_running"));
      assertTrue(ahead < length, ahead + " tokens of " + length + " are computed already");

      read.addAll(client.readChunks());
      assertEquals(whole.at("/choices/0/message/content").textValue(), Frames.of(read).chatText());
      assertEquals(length, model().tokensComputed() - before);
    }
  }

  @Test
  void aReaderThatLeavesEndsItsGenerationWithinAToken() {
    double aborted = model().ended("abort");
    try (var client = openStream()) {
      Await.until("the engine waits for the reader", UnreadStreamTest::engineWaitsForAReader);
      assertEquals(1, Frames.of(List.of(client.readChunk())).data().size());
    }
    Await.until("the generation is aborted", () -> model().ended("abort") == aborted + 1);
  }

  @Test
  void aWaitingRequestWhoseClientLeavesGivesItsPlaceBack() {
    double aborted = model().ended("abort");
    model().hold();
    try (var first = openStream()) {
      Await.until("it runs", () -> model().engine().running() == 1);
      long computed = model().tokensComputed();
      var streamed = RawConnection.post(server, PATH, chat(true));
      Await.until("the stream waits", () -> model().engine().waiting() == 1);
      var whole = RawConnection.post(server, PATH, chat(false));
      Await.until("the other waits, too", () -> model().engine().waiting() == 2);
      assertEquals(2, model().gauge("vllm:num_requests_waiting"));

      streamed.close();
      Await.until("the stream's place is free", () -> model().engine().waiting() == 1);
      whole.close();
      Await.until("the other's place is free", () -> model().engine().waiting() == 0);

      assertEquals(aborted + 2, model().ended("abort"));
      assertEquals(computed, model().tokensComputed());
      assertEquals(1, model().engine().running());
    }
  }

  @Test
  void aRequestThatRunsAndDoesNotStreamEndsWithItsClient() {
    double aborted = model().ended("abort");
    model().hold();
    try (var whole = RawConnection.post(server, PATH, chat(false))) {
      Await.until("it runs", () -> model().engine().running() == 1);
    }
    model().release();
    Await.until("it is aborted", () -> model().ended("abort") == aborted + 1);
  }

  @Test
  void aFullQueueAnswersWhenToTryAgain() {
    var waiting = new ArrayList<RawConnection>();
    model().hold();
    try (var first = openStream()) {
      Await.until("it runs", () -> model().engine().running() == 1);
      for (int n = 1; n <= QUEUE_CAPACITY; n++) {
        int expected = n;
        waiting.add(RawConnection.post(server, PATH, chat(n % 2 == 0)));
        Await.until("the queue fills", () -> model().engine().waiting() == expected);
      }
      for (boolean stream : new boolean[] {true, false}) {
        HttpResponse<String> refused = Api.post(server, PATH, chat(stream));

        assertEquals(429, refused.statusCode());
        JsonNode error = Api.error(refused);
        assertEquals("rate_limit_error", error.get("type").textValue());
        assertEquals("queue_full", error.get("code").textValue());
        String seconds = refused.headers().firstValue("Retry-After").orElseThrow();
        assertTrue(Integer.parseInt(seconds) >= 1, seconds);
      }
    } finally {
      waiting.forEach(RawConnection::close);
    }
  }

  @Test
  void healthAnswersWhileTheEngineIsHeldUp() {
    model().hold();
    try (var client = openStream()) {
      Await.until("it runs", () -> model().engine().running() == 1);
      for (String probe : new String[] {"started", "ready", "live"}) {
        assertEquals(200, Api.send(Api.request(server, "/q/health/" + probe).GET()).statusCode());
      }
      assertTrue(model().served().isReady());
    }
  }

  @Test
  void aStreamThatIsNotReadForTooLongIsGivenUpAndSaysSo() {
    try (LentModel impatient =
        LentModels.lend("impatient", LentModels.HUGE_NAME, 1, Duration.ofMillis(300))) {
      impatient.letLoad();
      impatient.engine();
      String path = LentModels.chatPath("impatient");
      try (var client = RawConnection.post(server, path, chat(true))) {
        Await.until("the answer is given up", () -> impatient.ended("abort") == 1);
        Await.until("the engine is idle", () -> impatient.engine().running() == 0);

        client.readHead();
        JsonNode last = Frames.of(client.readChunks()).json().getLast();
        assertEquals("left_unread", last.at("/error/code").textValue());
        assertTrue(last.at("/error/message").textValue().contains("the client left it unread"));
      }
    }
  }

  private RawConnection openStream() {
    model();
    var client = RawConnection.post(server, PATH, chat(true));
    assertEquals("HTTP/1.1 200 OK", client.readHead().statusLine());
    return client;
  }

  private static String chat(boolean stream) {
    return Api.chat(Api.STORY, "model", LentModels.HUGE_NAME, "stream", stream);
  }

  /** Whether an engine has filled what may be computed ahead of a reader. */
  private static boolean engineWaitsForAReader() {
    return Thread.getAllStackTraces().entrySet().stream()
        .filter(each -> each.getKey().getName().equals("chasqui-engine"))
        .filter(each -> each.getKey().getState() == Thread.State.TIMED_WAITING)
        .flatMap(each -> List.of(each.getValue()).stream())
        .anyMatch(frame -> frame.getMethodName().equals("rest"));
  }
}
