package io.chasqui.tokenizer;

import java.util.List;
import java.util.Optional;

/**
 * What a tokenizer is beside its large tables; the components are those of {@link TokenizerTables}.
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record TokenizerRules(
    TokenizerTables.Model model,
    List<AddedToken> addedTokens,
    Optional<Normalizer> normalizer,
    Optional<PreTokenizer> preTokenizer,
    TextDecoder decoder,
    int[] prefix,
    int[] suffix) {

  /** Whether the text reaches the merges as bytes. */
  boolean byteLevel() {
    return preTokenizer.map(PreTokenizer::byteLevel).orElse(false);
  }

  /** The text that each added token is looked for as. */
  List<String> addedTexts() {
    long characters = addedTokens.stream().mapToLong(token -> token.content().length()).sum();
    PatternSteps steps = PatternSteps.forCharacters(characters);
    return addedTokens.stream()
        .map(token ->
            token.normalized()
                ? normalizer
                    .map(each -> each.normalize(token.content(), steps))
                    .orElse(token.content())
                : token.content())
        .toList();
  }
}
