package io.chasqui.http;

import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import io.chasqui.sampling.TokenLogprobs;
import io.chasqui.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
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

  /**
   * A token in its text.
   *
   * @param logprobs empty for a first token
   * @param offset where its text begins
   */
  record Place(int id, Optional<TokenLogprobs> logprobs, int offset) {}

  /** Of the tokens of a text, each of which is made into JSON's values only when it is written. */
  static TextLogprobs of(List<Place> places, Tokenizer tokenizer) {
    return new TextLogprobs(
        LazyList.of(places, place -> text(place.id(), tokenizer)),
        LazyList.of(places, TextLogprobs::logprob),
        LazyList.of(places, place -> top(place, tokenizer)),
        LazyList.of(places, Place::offset));
  }

  private static Float logprob(Place place) {
    return place.logprobs().map(of -> ChatLogprobs.finite(of.chosen())).orElse(null);
  }

  private static Map<String, Float> top(Place place, Tokenizer tokenizer) {
    if (place.logprobs().isEmpty()) {
      return Map.of();
    }
    TokenLogprobs of = place.logprobs().get();
    Map<String, Float> top = new LinkedHashMap<>();
    for (int i = 0; i < of.topIds().length; i++) {
      top.putIfAbsent(text(of.topIds()[i], tokenizer), ChatLogprobs.finite(of.topLogprobs()[i]));
    }
    top.putIfAbsent(text(place.id(), tokenizer), ChatLogprobs.finite(of.chosen()));
    return top;
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
