package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.Launch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A right request that asks for as much as a request may. */
enum GreedyKind {
  CHOICES("\"n\": 64"),

  /** Each stop sequence differs from the text in its last character only. */
  STOPS("\"n\": 64, \"logit_bias\": {\"%d\": 100}, \"stop\": [%s]"),
  LOGPROBS("\"n\": 64, \"logprobs\": 5"),
  BEAMS("\"num_beams\": 16"),
  URGENT("\"priority\": -1000000000");

  private static final int TOKENS = 200;
  private static final int PROMPT = 8;
  private static final int STOP_SEQUENCES = 16;
  private static final int LONGEST_STOP = 1024;

  private final String fields;

  GreedyKind(String fields) {
    this.fields = fields;
  }

  /**
   * The body of the request.
   *
   * @param vocabulary the prompt is made of tokens below it
   * @param token whose text is {@code text}, a character
   */
  String json(int vocabulary, int token, String text) {
    String stops =
        IntStream.range(0, STOP_SEQUENCES)
            .mapToObj(i -> "\"" + text.repeat(LONGEST_STOP - 1) + (char) ('0' + i) + "\"")
            .collect(Collectors.joining(", "));
    return "{\"model\": \"%s\", \"prompt\": %s, \"max_tokens\": %d, \"ignore_eos\": true, %s}"
        .formatted(
            Launch.MODEL_NAME,
            CompletionStream.randomPrompt(PROMPT, vocabulary),
            TOKENS,
            fields.formatted(token, stops));
  }
}
