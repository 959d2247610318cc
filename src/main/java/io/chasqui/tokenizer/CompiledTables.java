package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * A tokenizer's tables as encoding and decoding use them, and as packed model files hold them.
 * Whoever builds one of these knows that no id in it leads outside the vocabulary.
 *
 * @param pieces the UTF-8 of each id's piece
 * @param bytes the bytes that each id stands for inside a text
 * @param idOfPiece finds an id by the UTF-8 of its piece
 * @param mergedOfRank the id that each merge gives
 * @param rankOfPair finds a merge by the ids of its two parts
 * @param idOfCodePoint finds the id of a piece that is a single code point
 * @param wholePieces finds an id by the bytes of a pre-token, where the model takes whole ones
 * @param addedTexts the text that each added token is looked for as
 * @param rules everything else
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record CompiledTables(
    ByteStrings pieces,
    ByteStrings bytes,
    ByteTable idOfPiece,
    int[] mergedOfRank,
    LongIntTable rankOfPair,
    LongIntTable idOfCodePoint,
    Optional<ByteTable> wholePieces,
    List<String> addedTexts,
    TokenizerRules rules) {
  /** At each place of a text so many characters of it may be compared with added tokens. */
  static final int MAX_ADDED_TEXT = 256;

  /**
   * Checks that every id that a table leads to is in the vocabulary. That every rank is one of a
   * merge is for those to see to who fill {@code rankOfPair}.
   */
  CompiledTables {
    requireIds(pieces, "merge", mergedOfRank);
    requireIds(pieces, "prefix", rules.prefix());
    requireIds(pieces, "suffix", rules.suffix());
    if (rules.model().unknownId() != -1) {
      requireIds(pieces, "unknown token", rules.model().unknownId());
    }
    for (AddedToken token : rules.addedTokens()) {
      requireIds(pieces, "added token", token.id());
      if (!pieces.is(token.id(), token.content().getBytes(UTF_8))) {
        throw new IllegalArgumentException(
            "added token \"" + token.content() + "\" is not the piece of its id " + token.id());
      }
    }
    if (addedTexts.size() != rules.addedTokens().size()) {
      throw new IllegalArgumentException("not every added token has a text");
    }
    for (String text : addedTexts) {
      if (text.length() > MAX_ADDED_TEXT) {
        throw new IllegalArgumentException(
            "an added token must have at most %d characters, not %d"
                .formatted(MAX_ADDED_TEXT, text.length()));
      }
    }
    for (int id = 0; id < Math.max(pieces.size(), bytes.size()); id++) {
      if (pieces.has(id) != bytes.has(id)) {
        throw new IllegalArgumentException("id " + id + " has a piece or bytes, but not both");
      }
    }
    idOfCodePoint.forEach((codePoint, id) -> requireIds(pieces, "code point", id));
    if (wholePieces.isPresent() != rules.model().ignoreMerges()) {
      throw new IllegalArgumentException("the table of whole pieces does not belong to the model");
    }
    wholePieces.ifPresent(table -> {
      for (int id = 0; id < table.keys().size(); id++) {
        if (table.keys().has(id)) {
          requireIds(pieces, "whole piece", id);
        }
      }
    });
  }

  private static void requireIds(ByteStrings pieces, String what, int... ids) {
    for (int id : ids) {
      if (!pieces.has(id)) {
        throw new IllegalArgumentException(what + ": id " + id + " has no piece");
      }
    }
  }

  /**
   * Builds the tables.
   *
   * @throws IllegalArgumentException if an id has no piece, or an added token's piece is not its
   *     content
   */
  static CompiledTables of(TokenizerTables tables) {
    int[] merges = tables.merges();
    if (merges.length % 3 != 0) {
      throw new IllegalArgumentException("merges must be three ids each");
    }
    var rules =
        new TokenizerRules(
            tables.model(),
            tables.addedTokens(),
            tables.normalizer(),
            tables.preTokenizer(),
            tables.decoder(),
            tables.prefix().clone(),
            tables.suffix().clone());
    ByteStrings pieces = utf8(tables.pieces());
    requireIds(pieces, "merge", merges);
    for (AddedToken token : tables.addedTokens()) {
      requireIds(pieces, "added token", token.id());
    }
    int[] mergedOfRank = new int[merges.length / 3];
    var rankOfPair = new LongIntTable();
    for (int rank = 0; rank < mergedOfRank.length; rank++) {
      rankOfPair.put(LongIntTable.pair(merges[3 * rank], merges[3 * rank + 1]), rank);
      mergedOfRank[rank] = merges[3 * rank + 2];
    }
    return of(tables.pieces(), pieces, mergedOfRank, rankOfPair, rules);
  }

  /** The tables that follow from the pieces, the merges and the rules. */
  private static CompiledTables of(
      String[] texts,
      ByteStrings pieces,
      int[] mergedOfRank,
      LongIntTable rankOfPair,
      TokenizerRules rules) {
    return new CompiledTables(
        pieces,
        bytes(texts, rules.decoder()),
        new ByteTable(pieces),
        mergedOfRank,
        rankOfPair,
        idOfCodePoint(texts),
        rules.model().ignoreMerges() ? Optional.of(wholePieces(texts, rules)) : Optional.empty(),
        rules.addedTexts(),
        rules);
  }

  private static ByteStrings utf8(String[] pieces) {
    byte[][] utf8 = new byte[pieces.length][];
    for (int id = 0; id < pieces.length; id++) {
      utf8[id] = pieces[id] == null ? null : pieces[id].getBytes(UTF_8);
    }
    return ByteStrings.of(utf8);
  }

  private static ByteStrings bytes(String[] pieces, TextDecoder decoder) {
    byte[][] bytes = new byte[pieces.length][];
    long characters =
        Arrays.stream(pieces).filter(Objects::nonNull).mapToLong(String::length).sum();
    PatternSteps steps = PatternSteps.forCharacters(characters);
    for (int id = 0; id < pieces.length; id++) {
      bytes[id] = pieces[id] == null ? null : decoder.bytes(pieces[id], steps);
    }
    return ByteStrings.of(bytes);
  }

  private static LongIntTable idOfCodePoint(String[] pieces) {
    var ids = new LongIntTable();
    for (int id = 0; id < pieces.length; id++) {
      String piece = pieces[id];
      if (piece != null && !piece.isEmpty() && piece.codePointCount(0, piece.length()) == 1) {
        ids.put(piece.codePointAt(0), id);
      }
    }
    return ids;
  }

  /** The vocabulary by the bytes of a pre-token, without the special tokens. */
  private static ByteTable wholePieces(String[] pieces, TokenizerRules rules) {
    boolean byteLevel = rules.byteLevel();
    byte[][] keys = new byte[pieces.length][];
    for (int id = 0; id < pieces.length; id++) {
      if (pieces[id] != null) {
        keys[id] = byteLevel ? ByteAlphabet.bytes(pieces[id]) : pieces[id].getBytes(UTF_8);
      }
    }
    for (AddedToken token : rules.addedTokens()) {
      if (token.special()) {
        keys[token.id()] = null;
      }
    }
    return new ByteTable(ByteStrings.of(keys));
  }

  /**
   * Checks that the tables are those that the pieces, the merges and the rules give. Runs the
   * model's own patterns over its vocabulary.
   *
   * @throws IllegalArgumentException naming the table that is another one
   */
  void checkConsistent() {
    String[] texts = new String[pieces.size()];
    for (int id = 0; id < texts.length; id++) {
      if (pieces.has(id)) {
        byte[] utf8 = pieces.get(id);
        texts[id] = new String(utf8, UTF_8);
        require(
            pieces.is(id, texts[id].getBytes(UTF_8)), "the piece of id " + id + " is not UTF-8");
      }
    }
    rankOfPair.forEach(this::checkMerge);
    CompiledTables expected = of(texts, pieces, mergedOfRank, rankOfPair, rules);
    require(bytes.sameAs(expected.bytes), "the bytes of the tokens do not belong to the pieces");
    require(idOfPiece.sameAs(expected.idOfPiece), "the table of pieces is not theirs");
    require(idOfCodePoint.sameAs(expected.idOfCodePoint), "the table of characters is not theirs");
    require(
        wholePieces.isEmpty() || wholePieces.get().sameAs(expected.wholePieces.orElseThrow()),
        "the table of whole pieces is not theirs");
    require(addedTexts.equals(expected.addedTexts), "the texts of the added tokens are not theirs");
  }

  private void checkMerge(long pair, int rank) {
    int left = (int) (pair >>> 32);
    int right = (int) pair;
    requireIds(pieces, "merge", left, right);
    require(rankOfPair.get(pair) == rank, "the merge of rank " + rank + " cannot be found");
    byte[] head = pieces.get(left);
    byte[] tail = pieces.get(right);
    byte[] merged = Arrays.copyOf(head, head.length + tail.length);
    System.arraycopy(tail, 0, merged, head.length, tail.length);
    require(
        pieces.is(mergedOfRank[rank], merged),
        "the merge of rank " + rank + " does not give its parts together");
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new IllegalArgumentException(otherwise);
    }
  }
}
