package io.chasqui.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.chasqui.engine.EngineFailedException;
import io.chasqui.engine.FinishReason;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.http.AnswerFormat.WholeChoice;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jboss.logging.Logger;

/** Turns a generation into an HTTP answer, whole or as a stream of events. */
@ApplicationScoped
class Answers {
  private static final Logger LOG = Logger.getLogger(Answers.class);

  private final ObjectMapper json;
  private final RequestMemory memory;

  Answers(ObjectMapper json, RequestMemory memory) {
    this.json = json;
    this.memory = memory;
  }

  /**
   * The answer of a generation.
   *
   * @param keeping the memory of the answer
   */
  Uni<Response> respond(
      Generation generation, AnswerFormat format, AnswerRequest request, AnswerMemory keeping) {
    return request.stream()
        ? Uni.createFrom()
            .item(stream(frames(generation, format, request.includeUsage(), request.position())))
        : whole(generation, format, keeping);
  }

  /** The head of a stream, and its frames to come. */
  Response stream(Multi<Iterable<String>> frames) {
    return Response.ok(new EventStream(frames), MediaType.SERVER_SENT_EVENTS_TYPE)
        .header("Cache-Control", "no-cache")
        .header("X-Accel-Buffering", "no")
        .build();
  }

  /**
   * All events of a streamed answer.
   *
   * @param usage whether the last chunk tells the usage
   * @param begin where the client's stream begins
   */
  Multi<Iterable<String>> frames(
      Generation generation, AnswerFormat format, boolean usage, StreamPosition begin) {
    var frames = new AnswerFrames(format, usage, begin, this::json);
    Multi<Iterable<String>> opening = Multi.createFrom().item(() -> frames::opening);
    Multi<Iterable<String>> answer =
        Multi.createFrom()
            .publisher(generation)
            .<Iterable<String>>map(event -> () -> frames.of(event))
            .onFailure()
            .recoverWithItem(cause -> () -> Stream.of(failed(cause, frames)).iterator());
    return Multi.createBy()
        .concatenating()
        .streams(opening, answer)
        // Who leaves before the opening is written has not subscribed to the generation yet.
        .onCancellation()
        .invoke(generation::cancel);
  }

  /** Called where events are written, and not on the engine's thread, which has no request's id. */
  private static String failed(Throwable cause, AnswerFrames frames) {
    if (cause instanceof EngineFailedException) {
      return frames.failed(ApiException.of(cause)); // the log tells of it once, not for each stream
    }
    LOG.error("A generation failed in the middle of its stream", cause);
    return frames.failed(
        ApiException.of(503, "The model failed; the server's log tells why.", null, "interrupted"));
  }

  /** The end of a stream that has not begun, though its head is sent. */
  String lastWords(ApiException error) {
    return EventStream.frame(json(error.body())) + EventStream.frame(EventStream.DONE);
  }

  private String json(Object data) {
    try {
      return json.writeValueAsString(data);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a chunk cannot be written as JSON", e);
    }
  }

  private Uni<Response> whole(Generation generation, AnswerFormat format, AnswerMemory keeping) {
    return Multi.createFrom()
        .publisher(generation)
        .collect()
        .in(() -> new Whole(format.choices(), keeping), Whole::add)
        .emitOn(Infrastructure.getDefaultWorkerPool()) // the engine's thread has no time for it
        .map(answer -> {
          ApiException.of(answer.end)
              .ifPresent(failure -> {
                throw failure;
              });
          return memory.work(() ->
              whole(format.whole(answer.choices(), answer.prompt, answer.end.usage()), keeping));
        });
  }

  /**
   * An answer of JSON, written at its reader's pace.
   *
   * @param keeping the memory of the answer, with what it was made of, which is given back
   * @throws ApiException if there is no memory for it
   */
  Response whole(Object answer, AnswerMemory keeping) {
    var body = new Pieces(keeping::take);
    try {
      json.writeValue(body, answer);
    } catch (IOException e) {
      if (e.getCause() instanceof ApiException noMemory) {
        throw noMemory;
      }
      throw new IllegalStateException("an answer cannot be written as JSON", e);
    }
    return WholeBody.response(body, MediaType.APPLICATION_JSON, keeping);
  }

  /** What has come of an answer that does not stream. */
  private static final class Whole {
    private final List<WholeText> texts = new ArrayList<>();
    private final AnswerMemory memory;
    Optional<Prompt> prompt = Optional.empty();
    Finished end;

    private static final class WholeText {
      final StringBuilder text = new StringBuilder();
      final List<Token> tokens = new ArrayList<>();
      Optional<FinishReason> reason = Optional.empty();
    }

    Whole(int choices, AnswerMemory memory) {
      this.memory = memory;
      for (int i = 0; i < choices; i++) {
        texts.add(new WholeText());
      }
    }

    void add(GenerationEvent event) {
      switch (event) {
        case Prompt of -> prompt = Optional.of(of);
        case Token token -> add(token, texts.get(token.choice()));
        case Finished last -> end = last;
      }
    }

    /**
     * Adds a token.
     *
     * @throws ApiException if there is no memory for it
     */
    private void add(Token token, WholeText to) {
      long kept =
          token.logprobs().map(each -> AnswerMemory.ofToken(each.topIds().length)).orElse(0L);
      memory.take(2L * token.text().length() + kept);
      to.text.append(token.text());
      if (token.logprobs().isPresent()) {
        to.tokens.add(token);
      }
      to.reason = token.end();
    }

    List<WholeChoice> choices() {
      List<WholeChoice> choices = new ArrayList<>();
      for (WholeText each : texts) {
        choices.add(
            new WholeChoice(
                choices.size(),
                each.text.toString(),
                each.tokens,
                each.reason.orElse(end.reason())));
      }
      return choices;
    }
  }
}
