package io.chasqui.tokenizer;

import java.util.List;
import java.util.Optional;

/**
 * Everything that a {@link Tokenizer} is made of, as plain tables.
 *
 * @param pieces the piece of each id as the vocabulary writes it; null where an id has none
 * @param merges for each merge, in order of rank, the ids of its left part, its right part and its
 *     result; three ints a merge
 * @param model how the merges are applied
 * @param addedTokens tokens found in the text itself
 * @param normalizer rewrites the text first
 * @param preTokenizer cuts the text into pieces
 * @param decoder turns pieces into text again
 * @param prefix the ids put before a text that gets special tokens
 * @param suffix the ids put after it
 */
// Large primitive tables; nothing compares or prints them.
@SuppressWarnings("ArrayRecordComponent")
public record TokenizerTables(
    String[] pieces,
    int[] merges,
    Model model,
    List<AddedToken> addedTokens,
    Optional<Normalizer> normalizer,
    Optional<PreTokenizer> preTokenizer,
    TextDecoder decoder,
    int[] prefix,
    int[] suffix) {

  /** Copies the lists; the arrays belong to the tables from now on. */
  public TokenizerTables {
    addedTokens = List.copyOf(addedTokens);
  }

  /**
   * How byte-pair encoding treats what its merges do not settle.
   *
   * @param ignoreMerges whether a pre-token that is itself in the vocabulary is taken whole
   * @param byteFallback whether an unknown character becomes {@code <0xNN>} tokens
   * @param unknownId the id of an unknown character, or -1 to leave such characters out
   * @param fuseUnknown whether neighbouring unknown characters become one token
   */
  public record Model(
      boolean ignoreMerges, boolean byteFallback, int unknownId, boolean fuseUnknown) {}
}
