package io.chasqui.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.engine.FinishReason;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** {@code logprobs} of a choice of {@code /v1/chat/completions}. */
record ChatLogprobs(List<Entry> content) {
  /** One token, and the most likely ones in its place. */
  @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
  record Entry(String token, float logprob, List<Integer> bytes, List<Alternative> topLogprobs) {}

  /** One of the most likely tokens. */
  record Alternative(String token, float logprob, List<Integer> bytes) {}

  /** JSON has no infinity; OpenAI writes this for what is impossible. */
  static float finite(float logprob) {
    return Float.isFinite(logprob) ? logprob : -9999;
  }

  /**
   * Of tokens with log probabilities, each of which is made into JSON's values only when it is
   * written. Those that end an answer without a text are left out.
   */
  static ChatLogprobs of(List<Token> tokens, Tokenizer tokenizer) {
    List<Token> told = tokens.stream().filter(token -> !isEndOfText(token, tokenizer)).toList();
    return new ChatLogprobs(
        LazyList.of(told, token -> entry(token.id(), token.logprobs().orElseThrow(), tokenizer)));
  }

  /** Whether a token is the model's sign that it has said all, which is no part of the answer. */
  static boolean isEndOfText(Token token, Tokenizer tokenizer) {
    return token.end().filter(reason -> reason == FinishReason.STOP).isPresent()
        && tokenizer.isSpecial(token.id());
  }

  private static Entry entry(int id, TokenLogprobs logprobs, Tokenizer tokenizer) {
    List<Alternative> top = new ArrayList<>();
    for (int i = 0; i < logprobs.topIds().length; i++) {
      byte[] bytes = tokenizer.bytes(logprobs.topIds()[i]);
      top.add(new Alternative(text(bytes), finite(logprobs.topLogprobs()[i]), unsigned(bytes)));
    }
    byte[] bytes = tokenizer.bytes(id);
    return new Entry(text(bytes), finite(logprobs.chosen()), unsigned(bytes), top);
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static List<Integer> unsigned(byte[] bytes) {
    List<Integer> values = new ArrayList<>(bytes.length);
    for (byte each : bytes) {
      values.add(Byte.toUnsignedInt(each));
    }
    return values;
  }
}
