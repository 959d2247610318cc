package io.chasqui.tokenizer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * The binary form of a {@link Tokenizer}: its finished tables, which are read by copying arrays, so
 * that opening one takes milliseconds where building it from its vocabulary takes half a second.
 *
 * <p>Everything is little endian. An <i>int</i> has 32 bits; a <i>flag</i> is an int, 0 or 1; an
 * <i>array</i> is an int n and n elements; a <i>text</i> is an array of UTF-8 bytes; a <i>list</i>
 * is an int n and n items; an <i>option</i> is a flag and, if it is 1, the item; <i>strings</i> are
 * an array of bytes and an int array with the end of each string among them, complemented where
 * there is none. In this order:
 *
 * <ol>
 *   <li>model: flag ignore merges, flag byte fallback, int unknown id or −1, flag fuse unknown
 *   <li>list of added tokens: int id, text content, flags special, normalized, strips left, strips
 *       right, single word, text that it is looked for as
 *   <li>option of a normalizer, option of a pre-tokenizer, decoder: a text with the name of the
 *       record in {@link Normalizer}, {@link PreTokenizer} or {@link TextDecoder}, then its
 *       components in order; a pattern is a text and an int that says how it is compiled
 *   <li>int arrays prefix and suffix
 *   <li>strings: pieces, then bytes of the tokens
 *   <li>int array: slots of the table from pieces to ids
 *   <li>int array: result of each merge
 *   <li>long array keys and int array values of the table from pairs to ranks
 *   <li>the same of the table from code points to ids
 *   <li>if merges are ignored for them: strings and slots of the table of whole pieces
 * </ol>
 */
public final class TokenizerFormat {
  /** Sequences in sequences are not deeper than this; no real one is deeper than two. */
  private static final int MAX_DEPTH = 8;

  private TokenizerFormat() {}

  /**
   * Writes a tokenizer.
   *
   * @throws IllegalArgumentException if one of its texts has a lone surrogate, or its patterns are
   *     not such as {@link OnigurumaPattern} makes
   */
  public static byte[] write(Tokenizer tokenizer) {
    return new Writer().write(tokenizer.compiledTables());
  }

  /**
   * Reads a tokenizer. Whatever the bytes are, what is returned stays inside its arrays and comes
   * to an end; whether its tables belong to its vocabulary is what {@link #check} finds out.
   *
   * @param section the whole of it; it is not referred to afterwards
   * @throws IllegalArgumentException if it is malformed, with the place in it
   */
  public static Tokenizer read(ByteBuffer section) {
    var in = new TableReader(section);
    try {
      Tokenizer tokenizer = new Tokenizer(new Reader(in).read());
      in.requireEnd();
      return tokenizer;
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "before byte %d of the section: %s".formatted(in.position(), e.getMessage()), e);
    }
  }

  /**
   * Checks that a tokenizer's tables are those that its vocabulary, merges and rules give. Takes as
   * long as building it, and runs the patterns that the model brings.
   *
   * @throws IllegalArgumentException naming the table that is another one
   */
  public static void check(Tokenizer tokenizer) {
    try {
      tokenizer.compiledTables().checkConsistent();
    } catch (PatternException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  /** How a pattern is compiled; its place in this list is in the file. */
  private enum PatternKind {
    LITERAL(Pattern.LITERAL),
    PLAIN(0),
    ONIGURUMA(OnigurumaPattern.FLAGS);

    private final int flags;

    PatternKind(int flags) {
      this.flags = flags;
    }

    /** Inline flags show in those of a pattern as well, so only the outer ones are looked at. */
    static PatternKind of(Pattern pattern) {
      if ((pattern.flags() & Pattern.LITERAL) != 0) {
        return LITERAL;
      }
      return (pattern.flags() & Pattern.UNICODE_CHARACTER_CLASS) == 0 ? PLAIN : ONIGURUMA;
    }
  }

  private static final class Writer {
    private final TableWriter out = new TableWriter();

    byte[] write(CompiledTables tables) {
      TokenizerRules rules = tables.rules();
      out.flag(rules.model().ignoreMerges());
      out.flag(rules.model().byteFallback());
      out.integer(rules.model().unknownId());
      out.flag(rules.model().fuseUnknown());
      addedTokens(rules.addedTokens(), tables.addedTexts());
      out.flag(rules.normalizer().isPresent());
      rules.normalizer().ifPresent(this::normalizer);
      out.flag(rules.preTokenizer().isPresent());
      rules.preTokenizer().ifPresent(this::preTokenizer);
      decoder(rules.decoder());
      out.ints(rules.prefix());
      out.ints(rules.suffix());
      strings(tables.pieces());
      strings(tables.bytes());
      out.ints(tables.idOfPiece().sharedSlots());
      out.ints(tables.mergedOfRank());
      table(tables.rankOfPair());
      table(tables.idOfCodePoint());
      if (tables.wholePieces().isPresent()) {
        ByteTable whole = tables.wholePieces().get();
        strings(whole.keys());
        out.ints(whole.sharedSlots());
      }
      return out.toByteArray();
    }

    private void addedTokens(List<AddedToken> tokens, List<String> texts) {
      out.integer(tokens.size());
      for (int i = 0; i < tokens.size(); i++) {
        AddedToken token = tokens.get(i);
        out.integer(token.id());
        out.text(token.content());
        out.flag(token.special());
        out.flag(token.normalized());
        out.flag(token.stripsLeft());
        out.flag(token.stripsRight());
        out.flag(token.singleWord());
        out.text(texts.get(i));
      }
    }

    private void normalizer(Normalizer normalizer) {
      out.text(normalizer.getClass().getSimpleName());
      switch (normalizer) {
        case Normalizer.Sequence(List<Normalizer> parts) -> {
          out.integer(parts.size());
          parts.forEach(this::normalizer);
        }
        case Normalizer.Prepend(String prefix) -> out.text(prefix);
        case Normalizer.Replace(Replacement replacement) -> replacement(replacement);
        case Normalizer.Unicode(java.text.Normalizer.Form form) -> out.text(form.name());
        case Normalizer.Strip(boolean left, boolean right) -> {
          out.flag(left);
          out.flag(right);
        }
        case Normalizer.Lowercase() -> {
          // It has no components.
        }
      }
    }

    private void preTokenizer(PreTokenizer preTokenizer) {
      out.text(preTokenizer.getClass().getSimpleName());
      switch (preTokenizer) {
        case PreTokenizer.Sequence(List<PreTokenizer> parts) -> {
          out.integer(parts.size());
          parts.forEach(this::preTokenizer);
        }
        case PreTokenizer.Split(
                Pattern pattern,
                PreTokenizer.Behavior behavior,
                boolean invert) -> {
          pattern(pattern);
          out.text(behavior.name());
          out.flag(invert);
        }
        case PreTokenizer.ByteLevel(boolean addPrefixSpace, boolean useRegex) -> {
          out.flag(addPrefixSpace);
          out.flag(useRegex);
        }
        case PreTokenizer.Metaspace(
                int replacement,
                PreTokenizer.PrependScheme scheme,
                boolean split) -> {
          out.integer(replacement);
          out.text(scheme.name());
          out.flag(split);
        }
      }
    }

    private void decoder(TextDecoder decoder) {
      out.text(decoder.getClass().getSimpleName());
      switch (decoder) {
        case TextDecoder.ByteLevel() -> {
          // It has no components.
        }
        case TextDecoder.Pieces(
                List<Replacement> replacements,
                boolean byteFallback,
                int strippedCodePoint,
                int leadingStrip) -> {
          out.integer(replacements.size());
          replacements.forEach(this::replacement);
          out.flag(byteFallback);
          out.integer(strippedCodePoint);
          out.integer(leadingStrip);
        }
        case TextDecoder.Metaspace(int replacement, boolean dropsInFirst) -> {
          out.integer(replacement);
          out.flag(dropsInFirst);
        }
      }
    }

    private void replacement(Replacement replacement) {
      pattern(replacement.pattern());
      out.text(replacement.content());
    }

    private void pattern(Pattern pattern) {
      out.text(pattern.pattern());
      out.integer(List.of(PatternKind.values()).indexOf(PatternKind.of(pattern)));
    }

    private void strings(ByteStrings strings) {
      out.bytes(strings.sharedBytes());
      out.ints(strings.sharedEnds());
    }

    private void table(LongIntTable table) {
      out.longs(table.sharedKeys());
      out.ints(table.sharedValues());
    }
  }

  private static final class Reader {
    private final TableReader in;

    Reader(TableReader in) {
      this.in = in;
    }

    CompiledTables read() {
      var model = new TokenizerTables.Model(in.flag(), in.flag(), in.integer(), in.flag());
      var texts = new ArrayList<String>();
      List<AddedToken> addedTokens = addedTokens(texts);
      Optional<Normalizer> normalizer = in.flag() ? Optional.of(normalizer(0)) : Optional.empty();
      Optional<PreTokenizer> preTokenizer =
          in.flag() ? Optional.of(preTokenizer(0)) : Optional.empty();
      var rules =
          new TokenizerRules(
              model, addedTokens, normalizer, preTokenizer, decoder(), in.ints(), in.ints());
      ByteStrings pieces = strings();
      ByteStrings bytes = strings();
      var idOfPiece = new ByteTable(pieces, in.ints());
      int[] mergedOfRank = in.ints();
      return new CompiledTables(
          pieces,
          bytes,
          idOfPiece,
          mergedOfRank,
          table(mergedOfRank.length),
          table(pieces.size()),
          model.ignoreMerges()
              ? Optional.of(new ByteTable(strings(), in.ints()))
              : Optional.empty(),
          texts,
          rules);
    }

    private List<AddedToken> addedTokens(List<String> texts) {
      int count = in.count();
      var tokens = new ArrayList<AddedToken>();
      for (int i = 0; i < count; i++) {
        tokens.add(
            new AddedToken(
                in.integer(), in.text(), in.flag(), in.flag(), in.flag(), in.flag(), in.flag()));
        texts.add(in.text());
      }
      return List.copyOf(tokens);
    }

    private Normalizer normalizer(int depth) {
      String type = in.text();
      return switch (type) {
        case "Sequence" -> {
          int count = count(depth);
          var parts = new ArrayList<Normalizer>();
          for (int i = 0; i < count; i++) {
            parts.add(normalizer(depth + 1));
          }
          yield new Normalizer.Sequence(parts);
        }
        case "Prepend" -> new Normalizer.Prepend(in.text());
        case "Replace" -> new Normalizer.Replace(replacement());
        case "Unicode" -> new Normalizer.Unicode(in.named(java.text.Normalizer.Form.class));
        case "Strip" -> new Normalizer.Strip(in.flag(), in.flag());
        case "Lowercase" -> new Normalizer.Lowercase();
        default -> throw new IllegalArgumentException("there is no normalizer " + type);
      };
    }

    private PreTokenizer preTokenizer(int depth) {
      String type = in.text();
      return switch (type) {
        case "Sequence" -> {
          int count = count(depth);
          var parts = new ArrayList<PreTokenizer>();
          for (int i = 0; i < count; i++) {
            parts.add(preTokenizer(depth + 1));
          }
          yield new PreTokenizer.Sequence(parts);
        }
        case "Split" ->
            new PreTokenizer.Split(pattern(), in.named(PreTokenizer.Behavior.class), in.flag());
        case "ByteLevel" -> new PreTokenizer.ByteLevel(in.flag(), in.flag());
        case "Metaspace" ->
            new PreTokenizer.Metaspace(
                codePoint(), in.named(PreTokenizer.PrependScheme.class), in.flag());
        default -> throw new IllegalArgumentException("there is no pre-tokenizer " + type);
      };
    }

    private TextDecoder decoder() {
      String type = in.text();
      return switch (type) {
        case "ByteLevel" -> new TextDecoder.ByteLevel();
        case "Pieces" -> {
          int count = in.count();
          var replacements = new ArrayList<Replacement>();
          for (int i = 0; i < count; i++) {
            replacements.add(replacement());
          }
          yield new TextDecoder.Pieces(replacements, in.flag(), codePoint(), in.integer());
        }
        case "Metaspace" -> new TextDecoder.Metaspace(codePoint(), in.flag());
        default -> throw new IllegalArgumentException("there is no decoder " + type);
      };
    }

    private int count(int depth) {
      if (depth == MAX_DEPTH) {
        throw new IllegalArgumentException("sequences are nested too deeply");
      }
      return in.count();
    }

    private int codePoint() {
      int codePoint = in.integer();
      if (!Character.isValidCodePoint(codePoint)) {
        throw new IllegalArgumentException(codePoint + " is not a code point");
      }
      return codePoint;
    }

    private Replacement replacement() {
      return new Replacement(pattern(), in.text());
    }

    private Pattern pattern() {
      String expression = in.text();
      int kind = in.integer();
      PatternKind[] kinds = PatternKind.values();
      if (kind < 0 || kind >= kinds.length) {
        throw new IllegalArgumentException("there is no kind of pattern " + kind);
      }
      if (expression.isEmpty() || expression.length() > 4 * OnigurumaPattern.MAX_LENGTH) {
        throw new IllegalArgumentException(
            "a pattern must not have " + expression.length() + " characters");
      }
      try {
        return OnigurumaPattern.compileChecked(expression, kinds[kind].flags);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException("a pattern is malformed: " + e.getDescription(), e);
      } catch (StackOverflowError e) {
        throw new IllegalArgumentException("a pattern is nested too deeply", e);
      }
    }

    private ByteStrings strings() {
      return new ByteStrings(in.bytes(), in.ints());
    }

    private LongIntTable table(int limit) {
      return new LongIntTable(in.longs(), in.ints(), limit);
    }
  }
}
