package io.chasqui.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * {@code logprobs} of a choice of {@code /v1/completions}: lists of equal length, with an element
 * for each token.
 *
 * @param tokenLogprobs null for a first token, which follows nothing
 * @param topLogprobs the chosen token among them, whether it is one of the most likely or not; none
 *     for a first token
 * @param textOffset where in the text, in UTF-16 code units, the token's text begins
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record TextLogprobs(
    List<String> tokens,
    List<Float> tokenLogprobs,
    List<Map<String, Float>> topLogprobs,
    List<Integer> textOffset) {

  TextLogprobs() {
    this(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
  }

  void add(int id, Optional<TokenLogprobs> logprobs, int offset, Tokenizer tokenizer) {
    tokens.add(text(id, tokenizer));
    textOffset.add(offset);
    if (logprobs.isEmpty()) {
      tokenLogprobs.add(null);
      topLogprobs.add(Map.of());
      return;
    }
    TokenLogprobs of = logprobs.get();
    tokenLogprobs.add(ChatLogprobs.finite(of.chosen()));
    Map<String, Float> top = new LinkedHashMap<>();
    for (int i = 0; i < of.topIds().length; i++) {
      top.putIfAbsent(text(of.topIds()[i], tokenizer), ChatLogprobs.finite(of.topLogprobs()[i]));
    }
    top.putIfAbsent(text(id, tokenizer), ChatLogprobs.finite(of.chosen()));
    topLogprobs.add(top);
  }

  /**
   * As OpenAI writes it: a token that is not whole characters by its bytes, so that none is lost.
   */
  private static String text(int id, Tokenizer tokenizer) {
    byte[] bytes = tokenizer.bytes(id);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return "bytes:\\x" + HexFormat.ofDelimiter("\\x").formatHex(bytes);
    }
  }
}
