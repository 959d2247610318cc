package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * Text to token ids and back, with the results of Hugging Face's {@code tokenizers} library for the
 * byte-pair encodings of GPT-2, Llama 2, Llama 3, Mistral and Qwen.
 *
 * <p>Immutable and thread-safe. Encoding n characters takes O(n log n) steps even if they are a
 * single word.
 */
public final class Tokenizer {
  private final CompiledTables tables;
  private final ByteStrings pieces;
  private final boolean[] special;
  private final BytePairEncoder encoder;
  private final AddedTokenMatcher rawTokens;
  private final AddedTokenMatcher normalizedTokens;
  private final Normalizer normalizer;
  private final PreTokenizer preTokenizer;
  private final TextDecoder decoder;
  private final int[] prefix;
  private final int[] suffix;

  /**
   * Builds the tables that encoding needs: half a second for a vocabulary of 128,000.
   *
   * @param tables what the tokenizer is made of; not to be changed afterwards
   * @throws IllegalArgumentException if an id in the tables has no piece, or an added token's piece
   *     is not its content
   * @throws PatternException if the model's patterns cannot be run over its vocabulary
   */
  public Tokenizer(TokenizerTables tables) {
    this(CompiledTables.of(tables));
  }

  Tokenizer(CompiledTables tables) {
    this.tables = tables;
    TokenizerRules rules = tables.rules();
    pieces = tables.pieces();
    decoder = rules.decoder();
    normalizer = rules.normalizer().orElse(null);
    preTokenizer = rules.preTokenizer().orElse(new PreTokenizer.Sequence(List.of()));
    prefix = rules.prefix();
    suffix = rules.suffix();
    special = new boolean[pieces.size()];
    for (AddedToken token : rules.addedTokens()) {
      special[token.id()] |= token.special();
    }
    rawTokens = matcher(false);
    normalizedTokens = matcher(true);
    encoder = new BytePairEncoder(tables);
  }

  private AddedTokenMatcher matcher(boolean normalized) {
    var tokens = new ArrayList<AddedToken>();
    var texts = new ArrayList<String>();
    List<AddedToken> all = tables.rules().addedTokens();
    for (int i = 0; i < all.size(); i++) {
      if (all.get(i).normalized() == normalized) {
        tokens.add(all.get(i));
        texts.add(tables.addedTexts().get(i));
      }
    }
    return new AddedTokenMatcher(tokens, texts);
  }

  CompiledTables compiledTables() {
    return tables;
  }

  /**
   * Encodes a text. Special tokens written in it, such as {@code <|im_start|>}, become their ids:
   * text of a rendered chat template is encoded this way, text of unknown origin with {@link
   * #encodeOrdinary}.
   *
   * <p>As in Hugging Face's library, a character that the vocabulary has no way to write, where
   * there is no unknown token either, is left out. Byte-level and byte-fallback vocabularies can
   * write every character.
   *
   * @param addSpecialTokens whether the tokens that the model wants around a text (a beginning of
   *     sequence, for most) are added
   * @throws IllegalArgumentException if the text has a lone surrogate, or more combining marks in a
   *     row than its normalization takes
   * @throws PatternException if the model's patterns cannot be run over the text
   */
  public int[] encode(String text, boolean addSpecialTokens) {
    var ids = new IntList(text.length() / 3 + prefix.length + suffix.length);
    if (addSpecialTokens) {
      ids.addAll(prefix);
    }
    encode(text, false, ids);
    if (addSpecialTokens) {
      ids.addAll(suffix);
    }
    return ids.toArray();
  }

  /**
   * Encodes a text whose special tokens, should it have any, are ordinary characters. Nothing is
   * put around it.
   *
   * @throws IllegalArgumentException as {@link #encode} does
   * @throws PatternException as {@link #encode} does
   */
  public int[] encodeOrdinary(String text) {
    var ids = new IntList(text.length() / 3);
    encode(text, true, ids);
    return ids.toArray();
  }

  private void encode(String text, boolean ignoreSpecial, IntList ids) {
    int lone = Characters.indexOfLoneSurrogate(text);
    if (lone >= 0) {
      throw new IllegalArgumentException(
          "the text has a lone surrogate (U+%04X) at index %d"
              .formatted((int) text.charAt(lone), lone));
    }
    PatternSteps steps = PatternSteps.forCharacters(text.length());
    BytePairEncoder.Run run = encoder.newRun(ids);
    rawTokens.split(
        text,
        ignoreSpecial,
        new AddedTokenMatcher.Sink() {
          @Override
          public void text(String part, int from) {
            encodeNormalized(part, from == 0, ignoreSpecial, ids, run, steps);
          }

          @Override
          public void token(AddedToken token) {
            ids.add(token.id());
          }
        });
  }

  private void encodeNormalized(
      String raw,
      boolean atStart,
      boolean ignoreSpecial,
      IntList ids,
      BytePairEncoder.Run run,
      PatternSteps steps) {
    String text = normalizer == null ? raw : normalizer.normalize(raw, steps);
    normalizedTokens.split(
        text,
        ignoreSpecial,
        new AddedTokenMatcher.Sink() {
          @Override
          public void text(String part, int from) {
            preTokenizer.split(
                part, atStart && from == 0, steps, (piece, first) -> run.encode(piece));
          }

          @Override
          public void token(AddedToken token) {
            ids.add(token.id());
          }
        });
  }

  /**
   * The text of some tokens. Their bytes are put together exactly; what is not well-formed UTF-8 is
   * shown as U+FFFD. Where the model's decoder says so, the space that SentencePiece puts before
   * the first word is taken off.
   *
   * @param skipSpecialTokens whether special tokens are left out
   * @throws IllegalArgumentException if an id is outside the vocabulary
   */
  public String decode(int[] ids, boolean skipSpecialTokens) {
    var detokenizer = new Detokenizer(this, skipSpecialTokens);
    var text = new StringBuilder(4 * ids.length);
    for (int id : ids) {
      text.append(detokenizer.append(id));
    }
    return text.append(detokenizer.flush()).toString();
  }

  /** A decoder for one stream of tokens that leaves special tokens out. */
  public Detokenizer newDetokenizer() {
    return new Detokenizer(this, true);
  }

  /**
   * The bytes that a token stands for, inside a text; a new array.
   *
   * @throws IllegalArgumentException if the id is outside the vocabulary
   */
  public byte[] bytes(int id) {
    requireKnown(id);
    return tables.bytes().get(id);
  }

  TextDecoder textDecoder() {
    return decoder;
  }

  /** The highest id plus one, added tokens included. Some ids below it may have no token. */
  public int vocabularySize() {
    return pieces.size();
  }

  /** The id of a token by its piece, as the vocabulary writes it. */
  public OptionalInt idOf(String token) {
    int id =
        Characters.indexOfLoneSurrogate(token) < 0
            ? tables.idOfPiece().get(token.getBytes(UTF_8))
            : -1;
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  /**
   * Whether an id is a control token.
   *
   * @throws IllegalArgumentException if the id is outside the vocabulary
   */
  public boolean isSpecial(int id) {
    requireKnown(id);
    return special[id];
  }

  /**
   * A token's piece as the vocabulary writes it, for example {@code Ġthe} or {@code ▁the}.
   *
   * @throws IllegalArgumentException if the id is outside the vocabulary
   */
  public String token(int id) {
    requireKnown(id);
    return new String(pieces.get(id), UTF_8);
  }

  private void requireKnown(int id) {
    if (!pieces.has(id)) {
      throw new IllegalArgumentException(
          "token id " + id + " is outside the vocabulary of " + pieces.size());
    }
  }
}
