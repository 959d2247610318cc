package io.chasqui.http;

import io.chasqui.config.ChasquiConfig;
import io.chasqui.engine.Engine;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.ops.ColdStart;
import io.chasqui.ops.ColdStart.Phase;
import io.chasqui.ops.ServedModel;
import io.chasqui.ops.WorkerThread;
import io.chasqui.tracing.Inference;
import io.chasqui.tracing.RequestTrace;
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
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** {@code POST /v1/chat/completions} and {@code POST /v1/completions}. */
@Path("/v1")
@Consumes(MediaType.APPLICATION_JSON)
public class CompletionsResource {
  /** How long a request may take, in seconds. */
  private static final String TIMEOUT = "X-Request-Timeout";

  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}([.][0-9]{1,9})?");

  private final ServedModel served;
  private final Answers answers;
  private final RequestMemory memory;
  private final Optional<Duration> longest;

  @Inject
  CompletionsResource(
      ServedModel served, Answers answers, RequestMemory memory, ChasquiConfig config) {
    this(served, answers, memory, config.requestTimeout());
  }

  /**
   * @param longest what a request may take at most
   */
  CompletionsResource(
      ServedModel served, Answers answers, RequestMemory memory, Optional<Duration> longest) {
    this.served = served;
    this.answers = answers;
    this.memory = memory;
    this.longest = longest;
  }

  @POST
  @Path("/chat/completions")
  public Uni<Response> chat(
      @HeaderParam(TIMEOUT) String timeout,
      @HeaderParam(StreamPosition.HEADER) String lastEventId,
      @Context RoutingContext client) {
    return answer(body -> ChatRequest.parse(body, lastEventId), timeout, client);
  }

  @POST
  @Path("/completions")
  public Uni<Response> complete(
      @HeaderParam(TIMEOUT) String timeout,
      @HeaderParam(StreamPosition.HEADER) String lastEventId,
      @Context RoutingContext client) {
    return answer(body -> CompletionRequest.parse(body, lastEventId), timeout, client);
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
      Function<RequestBody, PromptedRequest> parser, String timeout, RoutingContext client) {
    RequestBody body = memory.body(client);
    TimeLimit timeLimit = TimeLimit.parse(timeout, longest);
    // A client can leave while a worker thread submits its request.
    var begun = new CompletableFuture<Generation>();
    client.addEndHandler(ended -> {
      var _ = begun.thenAccept(Generation::cancel);
    });
    AnswerMemory keeping = memory.answer(client);
    return WorkerThread.run(
        client,
        () -> answer(memory.work(() -> parser.apply(body)), timeLimit, client, begun, keeping));
  }

  /**
   * @param begun completes with the generation that the request starts
   * @param keeping the memory of the answer
   */
  private Uni<Response> answer(
      PromptedRequest request,
      TimeLimit timeLimit,
      RoutingContext client,
      CompletableFuture<Generation> begun,
      AnswerMemory keeping) {
    AnswerRequest asked = request.answer();
    priority(asked, client); // a wrong one is refused before a stream is held
    if (served.isNameKnown()) {
      Models.require(served, asked.model());
    }
    if (asked.stream() && served.isLoading()) {
      return Uni.createFrom().item(held(request, timeLimit, client, begun, keeping));
    }
    return served
        .engine()
        .flatMap(engine -> {
          Submitted submitted = submit(request, timeLimit, engine, client, begun, keeping);
          return answers.respond(submitted.generation(), submitted.format(), asked, keeping);
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

  /** Computes the prompt and hands the request to the engine, which then has all of its body. */
  private Submitted submit(
      PromptedRequest request,
      TimeLimit timeLimit,
      Engine engine,
      RoutingContext client,
      CompletableFuture<Generation> begun,
      AnswerMemory keeping) {
    Submitted submitted = memory.work(() -> toEngine(request, timeLimit, engine, client, keeping));
    BodyReader.giveBack(client);
    begun.complete(submitted.generation());
    return submitted;
  }

  private Submitted toEngine(
      PromptedRequest request,
      TimeLimit timeLimit,
      Engine engine,
      RoutingContext client,
      AnswerMemory keeping) {
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
                FairShare.owner(client),
                timeLimit.left());
    keeping.takeForEngine(generation, engine.model().contextLength());
    AnswerFormat format = ApiException.blaming(field, () -> request.format(engine, prompt));
    Supplier<Generation> submission =
        RequestTrace.of(client)
            .<Supplier<Generation>>map(
                trace -> () -> trace.submit(engine, generation, inference(request, format)))
            .orElse(() -> engine.submit(generation));
    Supplier<Generation> counted =
        ApiKey.of(client)
            .<Supplier<Generation>>map(key -> {
              long most = generation.maxTotalTokens(engine.model().contextLength());
              return () -> key.submit(most, submission);
            })
            .orElse(submission);
    return new Submitted(ApiException.blaming(field, counted), format);
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
  private Response held(
      PromptedRequest request,
      TimeLimit timeLimit,
      RoutingContext client,
      CompletableFuture<Generation> begun,
      AnswerMemory keeping) {
    ColdStart start = served.coldStart();
    AnswerRequest asked = request.answer();
    Multi<Iterable<String>> progress = new Progress(served).comments().map(List::of);
    Multi<Iterable<String>> answer =
        served
            .engine()
            .emitOn(Infrastructure.getDefaultWorkerPool())
            .onItem()
            .transformToMulti(engine -> {
              Submitted submitted = submit(request, timeLimit, engine, client, begun, keeping);
              return answers.frames(
                  submitted.generation(),
                  submitted.format(),
                  asked.includeUsage(),
                  asked.position());
            })
            .onFailure()
            .recoverWithItem(failure -> List.of(answers.lastWords(ApiException.of(failure))));
    boolean first = start.isFirstAnswer();
    Set<Phase> told = start.ended();
    Multi<Iterable<String>> timing =
        Multi.createFrom().deferred(() -> first ? timingBeside(told) : Multi.createFrom().empty());
    Response response =
        answers.stream(Multi.createBy().concatenating().streams(progress, timing, answer));
    return first ? withTiming(response, told) : response;
  }

  /** What the head of the first answer could not tell yet. */
  private Multi<Iterable<String>> timingBeside(Set<Phase> told) {
    ColdStart start = served.coldStart();
    Set<Phase> later = start.ended();
    later.removeAll(told);
    return later.isEmpty()
        ? Multi.createFrom().empty()
        : Multi.createFrom()
            .item(
                () -> List.of(EventStream.comment("Server-Timing: " + start.serverTiming(later))));
  }
}
