package io.chasqui.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.Engine;
import io.chasqui.ops.ServedModel;
import io.chasqui.ops.WorkerThread;
import io.smallrye.mutiny.Uni;
import io.vertx.core.buffer.Buffer;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;

/** {@code POST /tokenize} and {@code POST /detokenize}, with vLLM's fields. */
@Path("/")
@Consumes(MediaType.APPLICATION_JSON)
public class TokensResource {
  private final ServedModel served;
  private final Answers answers;

  TokensResource(ServedModel served, Answers answers) {
    this.served = served;
    this.answers = answers;
  }

  /** Only ever written as JSON, so nobody compares or changes the array. */
  @SuppressWarnings("ArrayRecordComponent")
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Tokens(int count, int maxModelLen, int[] tokens) {}

  record Text(String prompt) {}

  /** Of a text in {@code prompt}, or of a conversation in {@code messages} by the chat template. */
  @POST
  @Path("/tokenize")
  public Uni<Response> tokenize(@Context RoutingContext client) {
    Buffer body = client.body().buffer();
    return WorkerThread.run(client, () -> tokenize(body).map(answers::whole));
  }

  private Uni<Tokens> tokenize(Buffer body) {
    JsonFields fields = JsonFields.parse(body);
    return served
        .engine()
        .map(engine -> {
          fields.text("model").ifPresent(model -> Models.require(served, model));
          int[] ids = fields.has("messages") ? ofMessages(engine, fields) : ofText(engine, fields);
          return new Tokens(ids.length, engine.model().contextLength(), ids);
        });
  }

  private static int[] ofMessages(Engine engine, JsonFields fields) {
    List<ChatMessage> messages = ChatRequest.messages(fields);
    return ApiException.blaming("messages", () -> engine.promptFor(messages));
  }

  private static int[] ofText(Engine engine, JsonFields fields) {
    String text = fields.requiredText("prompt", "send a text, or a conversation in 'messages'");
    boolean special = !fields.has("add_special_tokens") || fields.flag("add_special_tokens");
    return ApiException.blaming("prompt", () -> engine.tokenizer().encode(text, special));
  }

  /** The text of token ids in {@code tokens}, special tokens included. */
  @POST
  @Path("/detokenize")
  public Uni<Response> detokenize(@Context RoutingContext client) {
    Buffer body = client.body().buffer();
    return WorkerThread.run(client, () -> detokenize(body).map(answers::whole));
  }

  private Uni<Text> detokenize(Buffer body) {
    JsonFields fields = JsonFields.parse(body);
    int[] ids = fields.tokenIds("tokens");
    return served
        .engine()
        .map(engine -> {
          fields.text("model").ifPresent(model -> Models.require(served, model));
          return new Text(
              ApiException.blaming("tokens", () -> engine.tokenizer().decode(ids, false)));
        });
  }
}
