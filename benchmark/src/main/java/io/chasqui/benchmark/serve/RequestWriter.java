package io.chasqui.benchmark.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Writes requests for greedy streams.
 *
 * @param model the name that it is asked for
 * @param ignoreEos whether {@code ignore_eos} is sent, with which vLLM, llama.cpp and Chasqui give
 *     answers of exactly {@code max_tokens}
 * @param prefixCache whether a server may use what it has computed of equal prompts; if not, {@code
 *     cache_prompt} is sent, which llama.cpp and Chasqui know
 */
public record RequestWriter(String model, boolean ignoreEos, boolean prefixCache) {
  private static final JsonMapper JSON = new JsonMapper();

  /** A request with text: a conversation's for chat completions. */
  public Request text(Prompt prompt, int maxTokens) {
    ObjectNode body = body(maxTokens);
    if (!prompt.isConversation()) {
      body.put("prompt", prompt.text());
      return new Request("/completions", write(body));
    }
    var messages = body.putArray("messages");
    prompt
        .messages()
        .forEach(message ->
            messages.addObject().put("role", message.role()).put("content", message.content()));
    return new Request("/chat/completions", write(body));
  }

  /** A request with the tokens of a prompt, which the server need not tokenize. */
  public Request ids(int[] prompt, int maxTokens) {
    ObjectNode body = body(maxTokens);
    var ids = body.putArray("prompt");
    for (int id : prompt) {
      ids.add(id);
    }
    return new Request("/completions", write(body));
  }

  private ObjectNode body(int maxTokens) {
    ObjectNode body = JSON.createObjectNode();
    body.put("model", model).put("stream", true).put("temperature", 0).put("max_tokens", maxTokens);
    body.putObject("stream_options").put("include_usage", true);
    if (ignoreEos) {
      body.put("ignore_eos", true);
    }
    if (!prefixCache) {
      body.put("cache_prompt", false);
    }
    return body;
  }

  private static String write(ObjectNode body) {
    try {
      return JSON.writeValueAsString(body);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a request that cannot be written as JSON", e);
    }
  }
}
