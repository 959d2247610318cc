package io.chasqui.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.chat.ChatMessage;
import io.chasqui.engine.Engine;
import io.chasqui.engine.GenerationRequest;
import io.vertx.core.buffer.Buffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The body of {@code POST /v1/chat/completions}. */
record ChatRequest(AnswerRequest answer, List<ChatMessage> messages) implements PromptedRequest {

  /** Reads it; see {@link AnswerRequest#parse}. */
  static ChatRequest parse(Buffer body, String lastEventId) {
    JsonFields fields = JsonFields.parse(body);
    if (fields.flag("echo")) {
      throw ApiException.unsupported(
          "echo", "'echo' is for /v1/completions; leave it out of a conversation.");
    }
    return new ChatRequest(
        AnswerRequest.parse(fields, logprobs(fields), lastEventId), messages(fields));
  }

  private static Optional<Integer> logprobs(JsonFields fields) {
    Optional<Integer> top =
        fields.integer("top_logprobs", 0, GenerationRequest.MOST_LOGPROBS).map(Long::intValue);
    if (fields.flag("logprobs")) {
      return Optional.of(top.orElse(0));
    }
    if (top.isPresent()) {
      throw ApiException.badRequest(
          "top_logprobs", "'top_logprobs' is only allowed together with \"logprobs\": true.");
    }
    return Optional.empty();
  }

  static List<ChatMessage> messages(JsonFields fields) {
    List<ChatMessage> messages = new ArrayList<>();
    String hint = "send the conversation as an array of {\"role\", \"content\"}";
    for (JsonFields message : fields.objects("messages", hint)) {
      messages.add(new ChatMessage(role(message), content(message)));
    }
    return messages;
  }

  private static String role(JsonFields message) {
    String role = message.requiredText("role", "one of system, developer, user, assistant");
    return switch (role) {
      case "system", "user", "assistant" -> role;
      // OpenAI's newer name of the same thing, which templates do not know.
      case "developer" -> "system";
      default -> throw message.wrong("role", "one of system, developer, user, assistant");
    };
  }

  /** A string, or an array of parts of which all are text. */
  private static String content(JsonFields message) {
    JsonNode content = message.get("content");
    if (content.isTextual()) {
      return content.textValue();
    }
    if (content.isMissingNode()) {
      throw message.missing("content", "the text of the message");
    }
    if (!content.isArray() || content.isEmpty()) {
      throw message.wrong("content", "a string or an array of parts");
    }
    StringBuilder text = new StringBuilder();
    for (JsonFields part : message.objects("content", "")) {
      if (!part.requiredText("type", "the kind of the part").equals("text")) {
        throw part.wrong("type", "\"text\": this model reads text only");
      }
      text.append(part.requiredText("text", "the text of the part"));
    }
    return text.toString();
  }

  @Override
  public String operation() {
    return "chat";
  }

  @Override
  public String promptField() {
    return "messages";
  }

  @Override
  public int[] prompt(Engine engine) {
    return engine.promptFor(messages);
  }

  @Override
  public int defaultMaxTokens() {
    return GenerationRequest.NO_LIMIT;
  }

  @Override
  public AnswerFormat format(Engine engine, int[] prompt) {
    return new AnswerFormat.Chat(AnswerFormat.Head.of("chatcmpl-", answer), engine.tokenizer());
  }
}
