package io.chasqui.benchmark.servers;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.Iterator;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A streamed completion of one token: the request, and when its answer's first token came. Of one
 * token, because text that is held back until a character is complete would otherwise come with a
 * later token.
 */
public final class CompletionStream {
  /** Of the prompts. */
  public static final long SEED = 1;

  public static final String PATH = "/v1/completions";

  private static final JsonMapper JSON = new JsonMapper();
  private static final String DATA = "data:";

  private CompletionStream() {}

  /**
   * The request, with random token ids for the prompt, the same ones each time.
   *
   * @param tokens of the prompt
   */
  public static String request(int tokens, int vocabulary) {
    return "{\"model\": \"%s\", \"stream\": true, \"temperature\": 0, \"max_tokens\": 1, \"prompt\": %s}"
        .formatted(Launch.MODEL_NAME, randomPrompt(tokens, vocabulary));
  }

  /** A prompt of random token ids, as JSON. */
  public static String randomPrompt(int tokens, int vocabulary) {
    return new SplittableRandom(SEED).ints(tokens, 0, vocabulary).boxed().toList().toString();
  }

  /**
   * Reads an answer to its end.
   *
   * @param lines of the answer's body, as they come
   * @return when the first token was there, as {@link System#nanoTime}
   * @throws IOException if no token comes
   */
  static long firstToken(Iterator<String> lines) throws IOException {
    String last = "";
    while (lines.hasNext()) {
      String line = lines.next();
      long now = System.nanoTime();
      if (isToken(line)) {
        lines.forEachRemaining(rest -> {});
        return now;
      }
      last = line.isBlank() ? last : line;
    }
    throw new IOException("a stream has ended without a token; its last line was: " + last);
  }

  /**
   * Whether a line of a stream is an event with text, or the end of an answer whose only token has
   * none. Comments, which tell progress or keep a connection open, are neither.
   */
  static boolean isToken(String line) throws JsonProcessingException {
    Optional<JsonNode> event = event(line);
    return event.isPresent() && (hasText(event.get()) || isEnd(event.get()));
  }

  /** The JSON of a line; none if the line is a comment, or anything else. */
  public static Optional<JsonNode> event(String line) throws JsonProcessingException {
    return line.startsWith(DATA) && line.contains("{")
        ? Optional.of(JSON.readTree(line.substring(DATA.length())))
        : Optional.empty();
  }

  static boolean hasText(JsonNode event) {
    return !choice(event).path("text").asText("").isEmpty();
  }

  private static boolean isEnd(JsonNode event) {
    return choice(event).path("finish_reason").isTextual();
  }

  private static JsonNode choice(JsonNode event) {
    return event.path("choices").path(0);
  }
}
