package io.chasqui.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.chasqui.engine.FinishReason;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Token;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import org.jboss.logging.Logger;

/** Turns a generation into an HTTP answer, whole or as a stream of events. */
@ApplicationScoped
class Answers {
  private static final Logger LOG = Logger.getLogger(Answers.class);
  private static final String INTERRUPTED =
      "The answer was interrupted: the server is stopping, or the client left it unread for too long.";

  private final ObjectMapper json;

  Answers(ObjectMapper json) {
    this.json = json;
  }

  Uni<Response> respond(
      Generation generation, AnswerFormat format, AnswerRequest request, RoutingContext client) {
    if (client.response().closed()) {
      // The client left too early for any handler to hear it, and nobody will read the answer.
      generation.cancel();
    }
    if (request.stream()) {
      return Uni.createFrom().item(stream(frames(generation, format, request.includeUsage())));
    }
    client.addEndHandler(sent -> generation.cancel());
    return whole(generation, format);
  }

  /** The head of a stream, and its frames to come. */
  Response stream(Multi<String> frames) {
    return Response.ok(new EventStream(frames), MediaType.SERVER_SENT_EVENTS_TYPE)
        .header("Cache-Control", "no-cache")
        .header("X-Accel-Buffering", "no")
        .build();
  }

  /** All events of a streamed answer. */
  Multi<String> frames(Generation generation, AnswerFormat format, boolean usage) {
    Multi<String> opening = Multi.createFrom().optional(format.opening()).map(this::frame);
    Multi<String> frames =
        Multi.createFrom()
            .publisher(generation)
            .map(event -> frames(event, format, usage))
            .onFailure()
            .recoverWithItem(cause -> {
              LOG.error("A generation failed in the middle of its stream", cause);
              return brokenOff("The model failed; the server's log tells why.");
            });
    return Multi.createBy()
        .concatenating()
        .streams(opening, frames)
        // Who leaves before the opening is written has not subscribed to the generation yet.
        .onCancellation()
        .invoke(generation::cancel);
  }

  /** The frames of one event: none while a token's text is not final. */
  private String frames(GenerationEvent event, AnswerFormat format, boolean usage) {
    return switch (event) {
      case Token token -> token.text().isEmpty() ? "" : frame(format.chunk(token.text()));
      case Finished end when end.reason() == FinishReason.CANCELLED -> brokenOff(INTERRUPTED);
      case Finished end ->
          frame(format.closing(end.reason()))
              + (usage ? frame(format.usageChunk(end.usage())) : "")
              + EventStream.DONE;
    };
  }

  private String brokenOff(String reason) {
    return lastWords(ErrorBody.of(503, reason, null, "interrupted"));
  }

  /** The end of a stream whose head promised more. */
  String lastWords(ErrorBody error) {
    return frame(error) + EventStream.DONE;
  }

  private String frame(Object data) {
    try {
      return EventStream.frame(json.writeValueAsString(data));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a chunk cannot be written as JSON", e);
    }
  }

  private Uni<Response> whole(Generation generation, AnswerFormat format) {
    return Multi.createFrom()
        .publisher(generation)
        .collect()
        .in(Whole::new, Whole::add)
        .map(answer -> {
          if (answer.end.reason() == FinishReason.CANCELLED) {
            throw ApiException.of(503, INTERRUPTED, null, "interrupted");
          }
          return Response.ok(
                  format.whole(answer.text.toString(), answer.end.reason(), answer.end.usage()),
                  MediaType.APPLICATION_JSON_TYPE)
              .build();
        });
  }

  private static final class Whole {
    final StringBuilder text = new StringBuilder();
    Finished end;

    void add(GenerationEvent event) {
      switch (event) {
        case Token token -> text.append(token.text());
        case Finished last -> end = last;
      }
    }
  }
}
