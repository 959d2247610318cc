package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.LogLines;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.Usage;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Response;
import java.net.URI;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What becomes of answers whose generation fails, on the engine's thread as all of them do. */
@QuarkusTest
class FailedAnswerTest {
  @TestHTTPResource("/")
  URI server;

  private final LogLines streams = new LogLines(Answers.class);
  private final LogLines others = new LogLines(ApiException.class);

  @AfterEach
  void close() {
    streams.close();
    others.close();
  }

  /** Answers with generations that fail. */
  @Path("/failing")
  @Blocking
  public static final class Failing {
    private final Answers answers;

    Failing(Answers answers) {
      this.answers = answers;
    }

    @GET
    @Path("/stream")
    public Response stream() {
      var head = new AnswerFormat.Head("id", 0, "model", 1, false, false);
      var format = new AnswerFormat.Text(head, null, new int[] {1}, "");
      return answers.stream(
          answers.frames(new Failed(), format, false, StreamPosition.start(0, 1)));
    }

    @GET
    @Path("/whole")
    public Uni<GenerationEvent> whole() {
      return Multi.createFrom().publisher(new Failed()).toUni();
    }
  }

  private record Failed() implements Generation {
    @Override
    public void subscribe(Flow.Subscriber<? super GenerationEvent> subscriber) {
      Multi.createFrom()
          .<GenerationEvent>emitter(to ->
              Thread.ofPlatform().start(() -> to.fail(new IllegalStateException("on purpose"))))
          .subscribe(subscriber);
    }

    @Override
    public void cancel() {}

    @Override
    public CompletionStage<Usage> usage() {
      return CompletableFuture.completedStage(new Usage(1, 0));
    }
  }

  private String ask(String path, String id) {
    return Api.send(Api.request(server, path).header("X-Request-Id", id)).body();
  }

  @Test
  void aStreamEndsWithAnErrorEventAndTheLogSaysOfWhichRequest() {
    List<JsonNode> events = Frames.of(List.of(ask("/failing/stream", "failed-1"))).json();

    assertEquals("interrupted", events.getLast().at("/error/code").textValue());
    assertEquals(
        List.of("A generation failed in the middle of its stream"), streams.about("failed-1"));
  }

  @Test
  void aWholeAnswerIsAnErrorAndTheLogSaysOfWhichRequest() {
    JsonNode error = Api.parse(ask("/failing/whole", "failed-2")).get("error");

    assertEquals("internal_error", error.get("code").textValue());
    assertEquals(List.of("A request failed"), others.about("failed-2"));
  }
}
