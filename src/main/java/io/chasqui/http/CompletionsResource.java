package io.chasqui.http;

import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.ops.ServedModel;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;

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
    return served
        .engine()
        .flatMap(engine -> {
          String model = Models.require(served, request.answer().model());
          String field = request.promptField();
          int[] prompt = ApiException.blaming(field, () -> request.prompt(engine));
          GenerationRequest generationRequest =
              request.answer().toGeneration(prompt, engine.model(), request.defaultMaxTokens());
          Generation generation =
              ApiException.blaming(field, () -> engine.submit(generationRequest));
          return answers.respond(generation, request.format(model), request.answer(), client);
        });
  }
}
