package io.chasqui.http;

import io.chasqui.ops.LentModel;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * The application's own chat resource on models that tests lend to the running server.
 *
 * <p>A model with a huge name makes every chunk of a stream huge, so that the network's buffers are
 * full after a few of them: a client that does not read then holds the engine up, for certain.
 */
@Path("/lent")
@Consumes(MediaType.APPLICATION_JSON)
public class LentModels {
  /** Seven chunks fill the largest send buffer of a socket. */
  static final String HUGE_NAME = "demo" + "o".repeat(600_000);

  private static final Map<String, LentModel> MODELS = new ConcurrentHashMap<>();
  private static final Map<String, Queue<RoutingContext>> CLIENTS = new ConcurrentHashMap<>();

  private final Answers answers;
  private final RequestMemory memory;

  LentModels(Answers answers, RequestMemory memory) {
    this.answers = answers;
    this.memory = memory;
  }

  static LentModel lend(String path, String name, int queueCapacity, Duration stallTimeout) {
    var model = new LentModel(name, queueCapacity, stallTimeout);
    MODELS.put(path, model);
    CLIENTS.put(path, new ConcurrentLinkedQueue<>());
    return model;
  }

  /** Requests that wait for a model, or did. */
  static long held(String path) {
    return CLIENTS.get(path).size();
  }

  /** Those of them whose client has left. */
  static long gone(String path) {
    return CLIENTS.get(path).stream().filter(client -> client.response().closed()).count();
  }

  static String chatPath(String path) {
    return "/lent/" + path + "/chat";
  }

  @POST
  @Path("/{path}/chat")
  public Uni<Response> chat(@PathParam("path") String path, @Context RoutingContext client) {
    Uni<Response> answer =
        new CompletionsResource(MODELS.get(path).served(), answers, memory, Optional.empty())
            .chat(null, null, client);
    CLIENTS.get(path).add(client);
    return answer;
  }
}
