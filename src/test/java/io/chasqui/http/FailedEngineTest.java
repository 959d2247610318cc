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
import org.junit.jupiter.api.Test;

/** What clients and the platform see of an engine whose thread an error has ended. */
@QuarkusTest
class FailedEngineTest {
  private static final String PATH = LentModels.chatPath("failed");

  @TestHTTPResource("/")
  URI server;

  private static String chat(boolean stream) {
    return Api.chat(Api.STORY, "model", "endless", "stream", stream);
  }

  private static void assertBlamesTheServer(JsonNode error) {
    assertEquals("engine_failed", error.get("code").textValue());
    assertEquals("server_error", error.get("type").textValue());
    assertFalse(error.get("message").textValue().contains("stopping"), error.toString());
  }

  @Test
  void everyAnswerEndsWithAnErrorNoFurtherIsBegunAndTheProcessEnds() {
    try (LentModel model = LentModels.lend("failed", "endless", 4, Duration.ofSeconds(30))) {
      model.letLoad();
      model.engine();
      assertTrue(model.isLive());
      model.hold();
      try (var running = RawConnection.post(server, PATH, chat(true))) {
        Await.until("it runs", () -> model.engine().running() == 1);
        try (var waiting = RawConnection.post(server, PATH, chat(true));
            var whole = RawConnection.post(server, PATH, chat(false))) {
          Await.until("the others wait", () -> model.engine().waiting() == 2);

          model.breakDown();

          for (RawConnection stream : List.of(running, waiting)) {
            assertEquals("HTTP/1.1 200 OK", stream.readHead().statusLine());
            Frames frames = Frames.of(stream.readChunks());
            assertEquals("[DONE]", frames.data().getLast());
            assertBlamesTheServer(frames.json().getLast().get("error"));
          }
          assertTrue(whole.readHead().statusLine().startsWith("HTTP/1.1 503"));
        }
      }
      assertFalse(model.isReady());
      assertFalse(model.isLive());
      for (boolean stream : new boolean[] {true, false}) {
        HttpResponse<String> refused = Api.post(server, PATH, chat(stream));
        assertEquals(503, refused.statusCode());
        assertBlamesTheServer(Api.parse(refused.body()).get("error"));
      }
      assertEquals(0, model.exits(), "the process ends before its clients have heard why");
      Await.until("the process ends", () -> model.exits() == 1);
    }
  }
}
