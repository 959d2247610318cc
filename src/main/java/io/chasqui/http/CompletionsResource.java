package io.chasqui.http;

import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.ops.ColdStart;
import io.chasqui.ops.ColdStart.Phase;
import io.chasqui.ops.ServedModel;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * {@code POST /v1/chat/completions} and {@code POST /v1/completions}.
 *
 * <p>Templates and tokenization of a long prompt take milliseconds, which an event loop does not
 * have: they run on a worker thread.
 */
@Path("/v1")
@Consumes(MediaType.APPLICATION_JSON)
@Blocking
public class CompletionsResource {
  private final ServedModel served;
  private final Answers answers;

  CompletionsResource(ServedModel served, Answers answers) {
    this.served = served;
    this.answers = answers;
  }

  @POST
  @Path("/chat/completions")
  public Uni<Response> chat(InputStream body, @Context RoutingContext client) {
    return answer(ChatRequest.parse(body), client);
  }

  @POST
  @Path("/completions")
  public Uni<Response> complete(InputStream body, @Context RoutingContext client) {
    return answer(CompletionRequest.parse(body), client);
  }

  private Uni<Response> answer(PromptedRequest request, RoutingContext client) {
    AnswerRequest asked = request.answer();
    if (served.isNameKnown()) {
      Models.require(served, asked.model());
    }
    if (asked.stream() && served.isLoading()) {
      return Uni.createFrom().item(held(request));
    }
    return served
        .engine()
        .flatMap(engine ->
            answers.respond(submit(request, engine), request.format(asked.model()), asked, client))
        .map(this::timed);
  }

  private Generation submit(PromptedRequest request, Engine engine) {
    Models.require(served, request.answer().model());
    String field = request.promptField();
    int[] prompt = ApiException.blaming(field, () -> request.prompt(engine));
    GenerationRequest generation =
        request.answer().toGeneration(prompt, engine.model(), request.defaultMaxTokens());
    return ApiException.blaming(field, () -> engine.submit(generation));
  }

  /** The first answer of the process tells what the cold start cost. */
  private Response timed(Response response) {
    ColdStart start = served.coldStart();
    return start.isFirstAnswer() ? withTiming(response, start.ended()) : response;
  }

  private Response withTiming(Response response, Set<Phase> phases) {
    return Response.fromResponse(response)
        .header("Server-Timing", served.coldStart().serverTiming(phases))
        .build();
  }

  /**
   * A stream that begins before its model is ready. Its head is sent at once, so that whatever is
   * found out later can only be an event.
   */
  private Response held(PromptedRequest request) {
    ColdStart start = served.coldStart();
    AnswerRequest asked = request.answer();
    Multi<String> progress = new Progress(served).comments();
    // A client can leave while its request is submitted, before the answer is subscribed to.
    var begun = new CompletableFuture<Generation>();
    Multi<String> answer =
        served
            .engine()
            .emitOn(Infrastructure.getDefaultWorkerPool())
            .onItem()
            .transformToMulti(engine -> {
              Generation generation = submit(request, engine);
              begun.complete(generation);
              return answers.frames(
                  generation, request.format(asked.model()), asked.includeUsage());
            })
            .onFailure()
            .recoverWithItem(failure -> answers.lastWords(ApiException.of(failure).body()));
    boolean first = start.isFirstAnswer();
    Set<Phase> told = start.ended();
    Multi<String> timing =
        Multi.createFrom().deferred(() -> first ? timingBeside(told) : Multi.createFrom().empty());
    Response response =
        answers.stream(
            Multi.createBy()
                .concatenating()
                .streams(progress, timing, answer)
                .onCancellation()
                .invoke(() -> {
                  var _ = begun.thenAccept(Generation::cancel);
                }));
    return first ? withTiming(response, told) : response;
  }

  /** What the head of the first answer could not tell yet. */
  private Multi<String> timingBeside(Set<Phase> told) {
    ColdStart start = served.coldStart();
    Set<Phase> later = start.ended();
    later.removeAll(told);
    return later.isEmpty()
        ? Multi.createFrom().empty()
        : Multi.createFrom()
            .item(EventStream.comment("Server-Timing: " + start.serverTiming(later)));
  }
}
