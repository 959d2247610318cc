package io.chasqui.benchmark.servers;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;

/**
 * A streamed completion of many tokens, each of whose times is measured.
 *
 * <p>The answer is one token again and again, which {@code logit_bias} sees to. Its text is a
 * character: that of other tokens may be part of one, which servers hold back until the rest comes,
 * so that two tokens would be one event.
 *
 * @param prompt token ids
 * @param tokens of the answer
 * @param token that the answer is made of
 */
public record StreamRequest(List<Integer> prompt, int tokens, int token) {
  public StreamRequest {
    prompt = List.copyOf(prompt);
  }

  /** A prompt of random token ids. */
  public static List<Integer> randomPrompt(SplittableRandom random, int tokens, int vocabulary) {
    return random.ints(tokens, 0, vocabulary).boxed().toList();
  }

  /** {@link #json(String)} of the model that a measured server serves. */
  public String json() {
    return json(Launch.MODEL_NAME);
  }

  /** The body of the request to a model: greedy, and as long as it was asked for. */
  public String json(String model) {
    return """
    {"model": "%s", "stream": true, "stream_options": {"include_usage": true}, "temperature": 0,
     "max_tokens": %d, "ignore_eos": true, "logit_bias": {"%d": 100}, "prompt": %s}
    """
        .formatted(model, tokens, token, prompt);
  }

  /**
   * Reads an answer to its end.
   *
   * @param sent when the request was
   * @param lines of the answer's body, as they come
   * @param progress is told how many tokens have come, with each
   * @throws IOException if prompt or answer had another length, or tokens came together
   */
  TokenTimes read(long sent, Iterator<String> lines, IntConsumer progress) throws IOException {
    List<Long> times = new ArrayList<>(tokens);
    JsonNode usage = null;
    String last = "";
    while (lines.hasNext()) {
      String line = lines.next();
      long now = System.nanoTime();
      Optional<JsonNode> event = CompletionStream.event(line);
      if (event.isPresent()) {
        if (CompletionStream.hasText(event.get())) {
          times.add(now);
          progress.accept(times.size());
        }
        usage = event.get().path("usage").isObject() ? event.get().path("usage") : usage;
        last = line;
      }
    }
    if (usage == null) {
      throw new IOException(
          "a stream has ended without telling its usage; its last event was: " + last);
    }
    requireLength("prompt", prompt.size(), usage.path("prompt_tokens").asInt());
    requireLength("answer", tokens, usage.path("completion_tokens").asInt());
    if (times.size() != tokens) {
      throw new IOException(
          "an answer of %d tokens came in %d events with text: an event must be one token"
              .formatted(tokens, times.size()));
    }
    return new TokenTimes(sent, times);
  }

  private static void requireLength(String what, int wanted, int actual) throws IOException {
    if (actual != wanted) {
      throw new IOException(
          "the server counts %d tokens of the %s, where %d were asked for"
              .formatted(actual, what, wanted));
    }
  }
}
