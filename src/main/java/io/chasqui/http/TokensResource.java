package io.chasqui.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.chat.ChatMessage;
import io.chasqui.config.ChasquiConfig;
import io.chasqui.engine.Engine;
import io.chasqui.ops.ServedModel;
import io.chasqui.ops.WorkerThread;
import io.smallrye.mutiny.Uni;
import io.vertx.ext.web.RoutingContext;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** {@code POST /tokenize} and {@code POST /detokenize}, with vLLM's fields. */
@Path("/")
@Consumes(MediaType.APPLICATION_JSON)
public class TokensResource {
  private final ServedModel served;
  private final RequestMemory memory;
  private final Answers answers;
  private final int maxTokens;

  TokensResource(ServedModel served, RequestMemory memory, Answers answers, ChasquiConfig config) {
    this.served = served;
    this.memory = memory;
    this.answers = answers;
    maxTokens = config.maxModelLen();
  }

  /** Only ever written as JSON, so nobody compares or changes the array. */
  @SuppressWarnings("ArrayRecordComponent")
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Tokens(int count, int maxModelLen, int[] tokens) {}

  record Text(String prompt) {}

  /** What is to be computed of a body, without the body. */
  private record Question(Optional<String> model, Function<Engine, Object> answer) {}

  /** Of a text in {@code prompt}, or of a conversation in {@code messages} by the chat template. */
  @POST
  @Path("/tokenize")
  public Uni<Response> tokenize(@Context RoutingContext client) {
    return answer(client, fields -> fields.has("messages") ? ofMessages(fields) : ofText(fields));
  }

  private static Function<Engine, Object> ofMessages(JsonFields fields) {
    List<ChatMessage> messages = ChatRequest.messages(fields);
    return engine ->
        tokens(engine, ApiException.blaming("messages", () -> engine.promptFor(messages)));
  }

  private static Function<Engine, Object> ofText(JsonFields fields) {
    String text = fields.requiredText("prompt", "send a text, or a conversation in 'messages'");
    boolean special = !fields.has("add_special_tokens") || fields.flag("add_special_tokens");
    return engine ->
        tokens(
            engine, ApiException.blaming("prompt", () -> engine.tokenizer().encode(text, special)));
  }

  private static Tokens tokens(Engine engine, int[] ids) {
    return new Tokens(ids.length, engine.model().contextLength(), ids);
  }

  /**
   * The text of token ids in {@code tokens}, special tokens included. They are no more than a
   * context may hold, because a token's text can be much longer than its id.
   */
  @POST
  @Path("/detokenize")
  public Uni<Response> detokenize(@Context RoutingContext client) {
    return answer(
        client,
        fields -> {
          int[] ids = fields.tokenIds("tokens");
          if (ids.length > maxTokens) {
            throw ApiException.badRequest(
                "tokens",
                "'tokens' has %d token ids; send at most %d at a time."
                    .formatted(ids.length, maxTokens));
          }
          return engine ->
              new Text(ApiException.blaming("tokens", () -> engine.tokenizer().decode(ids, false)));
        });
  }

  private Uni<Response> answer(
      RoutingContext client, Function<JsonFields, Function<Engine, Object>> reading) {
    RequestBody body = memory.body(client);
    AnswerMemory answer = memory.answer(client);
    return WorkerThread.run(client, () -> answer(client, body, reading, answer));
  }

  private Uni<Response> answer(
      RoutingContext client,
      RequestBody body,
      Function<JsonFields, Function<Engine, Object>> reading,
      AnswerMemory answer) {
    Question question =
        memory.work(() -> {
          JsonFields fields = JsonFields.parse(body);
          return new Question(fields.text("model"), reading.apply(fields));
        });
    return served
        .engine()
        .map(engine -> {
          question.model().ifPresent(model -> Models.require(served, model));
          Response whole =
              memory.work(() -> answers.whole(question.answer().apply(engine), answer));
          BodyReader.giveBack(client);
          return whole;
        });
  }
}
