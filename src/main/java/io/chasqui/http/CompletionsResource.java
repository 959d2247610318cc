package io.chasqui.http;

import io.chasqui.config.ChasquiConfig;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.ops.ColdStart;
import io.chasqui.ops.ColdStart.Phase;
import io.chasqui.ops.ServedModel;
import io.chasqui.tracing.Inference;
import io.chasqui.tracing.RequestTrace;
import io.smallrye.common.annotation.Blocking;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import io.vertx.ext.web.RoutingContext;
import jakarta.inject.Inject;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.HeaderParam;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.InputStream;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.regex.Pattern;

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
  /** How long a request may take, in seconds. */
  private static final String TIMEOUT = "X-Request-Timeout";

  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}([.][0-9]{1,9})?");

  private final ServedModel served;
  private final Answers answers;
  private final Optional<Duration> longest;

  @Inject
  CompletionsResource(ServedModel served, Answers answers, ChasquiConfig config) {
    this(served, answers, config.requestTimeout());
  }

  /**
   * @param longest what a request may take at most
   */
  CompletionsResource(ServedModel served, Answers answers, Optional<Duration> longest) {
    this.served = served;
    this.answers = answers;
    this.longest = longest;
  }

  @POST
  @Path("/chat/completions")
  public Uni<Response> chat(
      InputStream body,
      @HeaderParam(TIMEOUT) String timeout,
      @HeaderParam(StreamPosition.HEADER) String lastEventId,
      @Context RoutingContext client) {
    return answer(ChatRequest.parse(body, lastEventId), TimeLimit.parse(timeout, longest), client);
  }

  @POST
  @Path("/completions")
  public Uni<Response> complete(
      InputStream body,
      @HeaderParam(TIMEOUT) String timeout,
      @HeaderParam(StreamPosition.HEADER) String lastEventId,
      @Context RoutingContext client) {
    return answer(
        CompletionRequest.parse(body, lastEventId), TimeLimit.parse(timeout, longest), client);
  }

  /**
   * How long a request may take, the wait for its model included.
   *
   * @param arrived when it came, by {@link System#nanoTime}
   */
  private record TimeLimit(Optional<Duration> limit, long arrived) {
    static TimeLimit parse(String seconds, Optional<Duration> longest) {
      if (seconds == null) {
        return new TimeLimit(longest, System.nanoTime());
      }
      if (!SECONDS.matcher(seconds).matches() || Double.parseDouble(seconds) < 0.001) {
        throw ApiException.badRequest(
            TIMEOUT,
            "'%s' must be a number of seconds from 0.001 to 999999, but is '%s'."
                .formatted(TIMEOUT, ApiException.excerpt(seconds)));
      }
      Duration asked = Duration.ofMillis(Math.round(1000 * Double.parseDouble(seconds)));
      Duration limit = longest.filter(most -> most.compareTo(asked) < 0).orElse(asked);
      return new TimeLimit(Optional.of(limit), System.nanoTime());
    }

    /** What is left of it: something, so that the engine can say that it was not enough. */
    Optional<Duration> left() {
      return limit.map(all -> {
        Duration left = all.minusNanos(System.nanoTime() - arrived);
        return left.isPositive() ? left : Duration.ofNanos(1);
      });
    }
  }

  private Uni<Response> answer(
      PromptedRequest request, TimeLimit timeLimit, RoutingContext client) {
    AnswerRequest asked = request.answer();
    priority(asked, client); // a wrong one is refused before a stream is held
    if (served.isNameKnown()) {
      Models.require(served, asked.model());
    }
    if (asked.stream() && served.isLoading()) {
      return Uni.createFrom().item(held(request, timeLimit, client));
    }
    return served
        .engine()
        .flatMap(engine -> {
          Submitted submitted = submit(request, timeLimit, engine, client);
          return answers.respond(submitted.generation(), submitted.format(), asked, client);
        })
        .map(this::timed);
  }

  /** Where no key is needed, all clients may be as urgent as they like. */
  private static int priority(AnswerRequest asked, RoutingContext client) {
    Optional<Integer> priority = asked.scheduling().priority();
    return ApiKey.of(client).map(key -> key.priority(priority)).orElseGet(() -> priority.orElse(0));
  }

  /** A generation that runs, and how its answer is written. */
  private record Submitted(Generation generation, AnswerFormat format) {}

  private Submitted submit(
      PromptedRequest request, TimeLimit timeLimit, Engine engine, RoutingContext client) {
    Models.require(served, request.answer().model());
    String field = request.promptField();
    int[] prompt = ApiException.blaming(field, () -> request.prompt(engine));
    GenerationRequest generation =
        request
            .answer()
            .toGeneration(
                prompt,
                engine.model(),
                request.defaultMaxTokens(),
                priority(request.answer(), client),
                timeLimit.left());
    AnswerFormat format = ApiException.blaming(field, () -> request.format(engine, prompt));
    Supplier<Generation> submission =
        RequestTrace.of(client)
            .<Supplier<Generation>>map(
                trace -> () -> trace.submit(engine, generation, inference(request, format)))
            .orElse(() -> engine.submit(generation));
    Generation running = ApiException.blaming(field, submission);
    return new Submitted(
        ApiKey.of(client).map(key -> key.metered(running, prompt.length)).orElse(running), format);
  }

  private static Inference inference(PromptedRequest request, AnswerFormat format) {
    AnswerRequest asked = request.answer();
    return new Inference(request.operation(), asked.model(), format.id(), asked.stream());
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
  private Response held(PromptedRequest request, TimeLimit timeLimit, RoutingContext client) {
    ColdStart start = served.coldStart();
    AnswerRequest asked = request.answer();
    Multi<Supplier<String>> progress = new Progress(served).comments().map(text -> () -> text);
    // A client can leave while its request is submitted, before the answer is subscribed to.
    var begun = new CompletableFuture<Generation>();
    Multi<Supplier<String>> answer =
        served
            .engine()
            .emitOn(Infrastructure.getDefaultWorkerPool())
            .onItem()
            .transformToMulti(engine -> {
              Submitted submitted = submit(request, timeLimit, engine, client);
              begun.complete(submitted.generation());
              return answers.frames(
                  submitted.generation(),
                  submitted.format(),
                  asked.includeUsage(),
                  asked.position());
            })
            .onFailure()
            .recoverWithItem(failure -> () -> answers.lastWords(ApiException.of(failure)));
    boolean first = start.isFirstAnswer();
    Set<Phase> told = start.ended();
    Multi<Supplier<String>> timing =
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
  private Multi<Supplier<String>> timingBeside(Set<Phase> told) {
    ColdStart start = served.coldStart();
    Set<Phase> later = start.ended();
    later.removeAll(told);
    return later.isEmpty()
        ? Multi.createFrom().empty()
        : Multi.createFrom()
            .item(() -> () -> EventStream.comment("Server-Timing: " + start.serverTiming(later)));
  }
}
