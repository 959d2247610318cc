package io.chasqui.it;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.Engine;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.http.Api;
import io.chasqui.sampling.SamplingParameters;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * What the demo model must answer to a request, to the token: in this process, in the program of a
 * JVM and in the native executable, on every machine.
 *
 * @param name what the case is about
 * @param request the body, with {@code messages} for a chat or {@code prompt} for a completion, and
 *     with every parameter of sampling, so that nothing depends on a default
 * @param finishReason in OpenAI's words
 * @param tokens the ids that the model chose, with the one that ended its turn
 * @param text the answer
 */
record GoldenAnswer(
    String name, JsonNode request, String finishReason, List<Integer> tokens, String text) {

  /** All of them. The file holds what the engine gave when a case was added; no code writes it. */
  static Stream<GoldenAnswer> all() throws IOException {
    try (InputStream file = GoldenAnswer.class.getResourceAsStream("/golden/demo.json")) {
      return Arrays.stream(Api.JSON.readValue(file, GoldenAnswer[].class));
    }
  }

  boolean isChat() {
    return request.has("messages");
  }

  /** Where the request is sent to. */
  String path() {
    return isChat() ? Api.CHAT : Api.COMPLETIONS;
  }

  /** The request with one more field. */
  ObjectNode requestWith(String field, JsonNode value) {
    ObjectNode body = request.deepCopy();
    body.set(field, value);
    return body;
  }

  /** The same request for an engine in this process. */
  GenerationRequest requestFor(Engine engine) {
    var sampling =
        new SamplingParameters(
            request.required("temperature").doubleValue(),
            request.required("top_k").intValue(),
            request.required("top_p").doubleValue(),
            request.required("seed").longValue());
    return GenerationRequest.forPrompt(prompt(engine))
        .sampling(sampling)
        .maxTokens(request.required("max_tokens").intValue())
        .build();
  }

  private int[] prompt(Engine engine) {
    if (!isChat()) {
      return engine.tokenizer().encode(request.required("prompt").textValue(), true);
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : request.get("messages")) {
      messages.add(
          new ChatMessage(
              message.required("role").textValue(), message.required("content").textValue()));
    }
    return engine.promptFor(messages);
  }

  @Override
  public String toString() {
    return name;
  }
}
