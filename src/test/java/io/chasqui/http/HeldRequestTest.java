package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.ops.LentModel;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Requests that come while the model is still loading. */
@QuarkusTest
class HeldRequestTest {
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
  void aWrongBodyIsRefusedAtOnce() {
    try (LentModel model = LentModels.lend("wrong", "demo", 4, Duration.ofSeconds(30))) {
      var refused = Api.post(server, LentModels.chatPath("wrong"), Api.chat("Hello", "top_p", 5));

      assertEquals(400, refused.statusCode());
      Api.error(refused);
      assertFalse(model.served().isReady());
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
}
