package io.chasqui.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.engine.Engine;
import io.chasqui.engine.GenerationRequest;
import io.chasqui.tokenizer.Tokenizer;
import io.vertx.core.buffer.Buffer;
import java.util.Optional;
import java.util.function.Function;

/**
 * The body of {@code POST /v1/completions}.
 *
 * @param prompt its token ids, as they were sent or from the text that was sent
 */
record CompletionRequest(AnswerRequest answer, Function<Tokenizer, int[]> prompt)
    implements PromptedRequest {

  /** Reads it; see {@link AnswerRequest#parse}. */
  static CompletionRequest parse(Buffer body, String lastEventId) {
    JsonFields fields = JsonFields.parse(body);
    Optional<Integer> logprobs =
        fields.integer("logprobs", 0, GenerationRequest.MOST_LOGPROBS).map(Long::intValue);
    return new CompletionRequest(
        AnswerRequest.parse(fields, logprobs, lastEventId), prompt(fields));
  }

  private static Function<Tokenizer, int[]> prompt(JsonFields fields) {
    JsonNode prompt = fields.get("prompt");
    if (prompt.isMissingNode()) {
      throw fields.missing("prompt", "send the text to go on from");
    }
    JsonNode first = prompt.isArray() && !prompt.isEmpty() ? prompt.get(0) : prompt;
    if (first.isTextual() && prompt.size() <= 1) {
      return tokenizer -> tokenizer.encode(first.textValue(), true);
    }
    if (first.isNumber() && prompt.isArray()) {
      int[] ids = fields.tokenIds("prompt");
      return tokenizer -> ids;
    }
    throw fields.wrong("prompt", "one string or one array of token ids");
  }

  @Override
  public String operation() {
    return "text_completion";
  }

  @Override
  public String promptField() {
    return "prompt";
  }

  @Override
  public int[] prompt(Engine engine) {
    int[] ids = prompt.apply(engine.tokenizer());
    if (ids.length == 0) {
      throw new IllegalArgumentException("The prompt is empty; send at least one character.");
    }
    return ids;
  }

  /** OpenAI's default for plain completions. */
  @Override
  public int defaultMaxTokens() {
    return 16;
  }

  @Override
  public AnswerFormat format(Engine engine, int[] prompt) {
    return new AnswerFormat.Text(
        AnswerFormat.Head.of("cmpl-", answer),
        engine.tokenizer(),
        prompt,
        answer.echo() ? engine.tokenizer().decode(prompt, true) : "");
  }
}
