package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.tokenizer.AddedToken;
import io.chasqui.tokenizer.Normalizer;
import io.chasqui.tokenizer.OnigurumaPattern;
import io.chasqui.tokenizer.PatternException;
import io.chasqui.tokenizer.PreTokenizer;
import io.chasqui.tokenizer.Replacement;
import io.chasqui.tokenizer.TextDecoder;
import io.chasqui.tokenizer.Tokenizer;
import io.chasqui.tokenizer.TokenizerTables;
import java.nio.charset.CharsetEncoder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Reads a tokenizer from Hugging Face's {@code tokenizer.json} and {@code tokenizer_config.json}.
 *
 * <p>Understood are byte-pair models with the normalizers, pre-tokenizers, decoders and
 * post-processors of GPT-2, Llama 2 and 3, Mistral, Qwen 2 and their relatives. Anything else is
 * refused by name: a tokenizer that is almost right makes a model that is almost right.
 */
public final class TokenizerJson {
  private static final String FILE = "tokenizer.json";
  private static final String CONFIG_FILE = "tokenizer_config.json";

  /** No vocabulary comes near this; a larger id is an error and would cost memory. */
  private static final int MAX_ID = (1 << 22) - 1;

  /** Ids without a token cost memory; a few are common. */
  private static final int MAX_GAPS = 1 << 16;

  private final JsonSection root;
  private final Map<String, Integer> ids = new HashMap<>();
  private final CharsetEncoder utf8 = UTF_8.newEncoder();
  private String[] pieces = {};

  private TokenizerJson(JsonSection root) {
    this.root = root;
  }

  /**
   * Reads a tokenizer.
   *
   * @param tokenizerJson the bytes of {@code tokenizer.json}
   * @param tokenizerConfigJson the bytes of {@code tokenizer_config.json}, which tells whether a
   *     beginning or end of sequence is added where {@code tokenizer.json} says nothing about it
   * @throws ModelFormatException if a file is malformed or names something unsupported
   */
  public static Tokenizer read(byte[] tokenizerJson, Optional<byte[]> tokenizerConfigJson) {
    TokenizerTables tables = readTables(tokenizerJson, tokenizerConfigJson);
    try {
      return new Tokenizer(tables);
    } catch (IllegalArgumentException e) {
      throw JsonSection.parse(FILE, tokenizerJson).fail(e);
    } catch (PatternException e) {
      throw JsonSection.parse(FILE, tokenizerJson).fail(e.getMessage());
    }
  }

  /** Reads the tables that a tokenizer is made of; otherwise as {@link #read}. */
  public static TokenizerTables readTables(
      byte[] tokenizerJson, Optional<byte[]> tokenizerConfigJson) {
    var reader = new TokenizerJson(JsonSection.parse(FILE, tokenizerJson));
    return reader.tables(tokenizerConfigJson.map(json -> JsonSection.parse(CONFIG_FILE, json)));
  }

  private TokenizerTables tables(Optional<JsonSection> config) {
    JsonSection model = root.get("model");
    requireBytePairModel(model);
    readVocabulary(model.get("vocab"));
    int[] merges = readMerges(model.get("merges"));
    List<AddedToken> addedTokens = readAddedTokens();
    var affixes = new Affixes();
    root.find("post_processor").ifPresent(section -> readPostProcessor(section, affixes));
    config.ifPresent(section -> readConfig(section, affixes));
    return new TokenizerTables(
        pieces,
        merges,
        new TokenizerTables.Model(
            model.flag("ignore_merges", false),
            model.flag("byte_fallback", false),
            model.find("unk_token").map(this::idOf).orElse(-1),
            model.flag("fuse_unk", false)),
        addedTokens,
        root.find("normalizer").map(TokenizerJson::readNormalizer),
        root.find("pre_tokenizer").map(TokenizerJson::readPreTokenizer),
        readDecoder(root.get("decoder")),
        affixes.prefix.stream().mapToInt(Integer::intValue).toArray(),
        affixes.suffix.stream().mapToInt(Integer::intValue).toArray());
  }

  /** The ids put before and after a text. */
  private static final class Affixes {
    private final List<Integer> prefix = new ArrayList<>();
    private final List<Integer> suffix = new ArrayList<>();
  }

  private static void requireBytePairModel(JsonSection model) {
    String type = model.find("type").map(JsonSection::text).orElse("BPE");
    if (!type.equals("BPE")) {
      throw unsupported(model, "model type", type);
    }
    for (String name : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
      Optional<JsonSection> affix = model.find(name);
      if (affix.isPresent() && !affix.get().text().isEmpty()) {
        throw affix.get().fail("a " + name + " is not supported");
      }
    }
    Optional<JsonSection> dropout = model.find("dropout");
    if (dropout.isPresent() && !dropout.get().node().asText().matches("0(\\.0+)?")) {
      throw dropout.get().fail("dropout is for training; set it to null");
    }
  }

  private void readVocabulary(JsonSection vocabulary) {
    if (!vocabulary.node().isObject()) {
      throw vocabulary.fail("must be an object of pieces and ids");
    }
    vocabulary
        .node()
        .properties()
        .forEach(entry -> put(vocabulary, entry.getKey(), entry.getValue()));
    if (ids.isEmpty()) {
      throw vocabulary.fail("must not be empty");
    }
  }

  private void put(JsonSection section, String piece, JsonNode id) {
    if (!id.isIntegralNumber() || !id.canConvertToInt()) {
      throw section.fail("the id of \"" + piece + "\" must be an integer, not " + id);
    }
    put(section, piece, id.intValue());
  }

  private void put(JsonSection section, String piece, int id) {
    if (id < 0 || id > MAX_ID) {
      throw section.fail("the id " + id + " of \"" + piece + "\" must be from 0 to " + MAX_ID);
    }
    if (!utf8.canEncode(piece)) {
      throw section.fail("the piece of id " + id + " has a lone surrogate");
    }
    if (id >= pieces.length) {
      pieces = Arrays.copyOf(pieces, Math.max(id + 1, 2 * pieces.length));
    }
    if (pieces[id] != null) {
      throw section.fail("\"" + pieces[id] + "\" and \"" + piece + "\" have the same id " + id);
    }
    pieces[id] = piece;
    ids.put(piece, id);
  }

  private int[] readMerges(JsonSection merges) {
    if (!merges.node().isArray()) {
      throw merges.fail("must be an array");
    }
    int[] triples = new int[3 * merges.node().size()];
    int rank = 0;
    for (JsonNode merge : merges.node()) {
      String left;
      String right;
      if (merge.isTextual()) {
        String text = merge.textValue();
        int space = text.indexOf(' ');
        if (space < 0 || text.indexOf(' ', space + 1) >= 0) {
          throw merges.fail(
              "merge " + rank + " must be two pieces with a space between, not \"" + text + "\"");
        }
        left = text.substring(0, space);
        right = text.substring(space + 1);
      } else if (merge.isArray()
          && merge.size() == 2
          && merge.get(0).isTextual()
          && merge.get(1).isTextual()) {
        left = merge.get(0).textValue();
        right = merge.get(1).textValue();
      } else {
        throw merges.fail("merge " + rank + " must be a string or an array of two strings");
      }
      triples[3 * rank] = mergeId(merges, rank, left);
      triples[3 * rank + 1] = mergeId(merges, rank, right);
      triples[3 * rank + 2] = mergeId(merges, rank, left + right);
      rank++;
    }
    return triples;
  }

  private int mergeId(JsonSection merges, int rank, String piece) {
    Integer id = ids.get(piece);
    if (id == null) {
      throw merges.fail(
          "merge " + rank + " needs the piece \"" + piece + "\", which is not in the vocabulary");
    }
    return id;
  }

  private List<AddedToken> readAddedTokens() {
    var tokens = new ArrayList<AddedToken>();
    for (JsonSection section :
        root.find("added_tokens").map(JsonSection::elements).orElse(List.of())) {
      int id = section.get("id").integer();
      String content = section.text("content");
      if (content.isEmpty()) {
        throw section.fail("an added token must not be empty");
      }
      Integer known = ids.get(content);
      if (known == null) {
        put(section, content, id);
      } else if (known != id) {
        throw section.fail(
            "\"" + content + "\" has the id " + id + " here and " + known + " elsewhere");
      }
      boolean special = section.flag("special", false);
      tokens.add(
          new AddedToken(
              id,
              content,
              special,
              section.flag("normalized", !special),
              section.flag("lstrip", false),
              section.flag("rstrip", false),
              section.flag("single_word", false)));
    }
    int size = pieces.length;
    while (pieces[size - 1] == null) {
      size--;
    }
    if (size > 2 * ids.size() + MAX_GAPS) {
      throw root.fail("the highest id is " + (size - 1) + " for only " + ids.size() + " tokens");
    }
    pieces = Arrays.copyOf(pieces, size);
    // Hugging Face's library looks for special tokens first where two normalize to the same text.
    tokens.sort((a, b) -> Boolean.compare(b.special(), a.special()));
    return tokens;
  }

  private static Normalizer readNormalizer(JsonSection section) {
    String type = section.text("type");
    return switch (type) {
      case "Sequence" ->
          new Normalizer.Sequence(
              section.get("normalizers").elements().stream()
                  .map(TokenizerJson::readNormalizer)
                  .toList());
      case "Prepend" -> new Normalizer.Prepend(section.text("prepend"));
      case "Replace" -> new Normalizer.Replace(readReplacement(section));
      case "NFC" -> new Normalizer.Unicode(java.text.Normalizer.Form.NFC);
      case "NFD" -> new Normalizer.Unicode(java.text.Normalizer.Form.NFD);
      case "NFKC" -> new Normalizer.Unicode(java.text.Normalizer.Form.NFKC);
      case "NFKD" -> new Normalizer.Unicode(java.text.Normalizer.Form.NFKD);
      case "Strip" ->
          new Normalizer.Strip(section.flag("strip_left", true), section.flag("strip_right", true));
      case "Lowercase" -> new Normalizer.Lowercase();
      default -> throw unsupported(section, "normalizer", type);
    };
  }

  private static PreTokenizer readPreTokenizer(JsonSection section) {
    String type = section.text("type");
    return switch (type) {
      case "Sequence" -> readPreTokenizers(section);
      case "ByteLevel" ->
          new PreTokenizer.ByteLevel(
              section.flag("add_prefix_space", true), section.flag("use_regex", true));
      case "Split" ->
          new PreTokenizer.Split(
              readPattern(section.get("pattern")),
              readBehavior(section.get("behavior")),
              section.flag("invert", false));
      case "Digits" -> PreTokenizer.Split.digits(section.flag("individual_digits", false));
      case "Metaspace" ->
          new PreTokenizer.Metaspace(
              readReplacementMark(section), readScheme(section), section.flag("split", true));
      default -> throw unsupported(section, "pre-tokenizer", type);
    };
  }

  private static PreTokenizer readPreTokenizers(JsonSection section) {
    List<PreTokenizer> parts =
        section.get("pretokenizers").elements().stream()
            .map(TokenizerJson::readPreTokenizer)
            .toList();
    try {
      return new PreTokenizer.Sequence(parts);
    } catch (IllegalArgumentException e) {
      throw section.fail(e);
    }
  }

  private static PreTokenizer.Behavior readBehavior(JsonSection section) {
    return switch (section.text()) {
      case "Isolated" -> PreTokenizer.Behavior.ISOLATED;
      case "Removed" -> PreTokenizer.Behavior.REMOVED;
      case "MergedWithPrevious" -> PreTokenizer.Behavior.MERGED_WITH_PREVIOUS;
      case "MergedWithNext" -> PreTokenizer.Behavior.MERGED_WITH_NEXT;
      case "Contiguous" -> PreTokenizer.Behavior.CONTIGUOUS;
      default -> throw unsupported(section, "behavior", section.text());
    };
  }

  private static int readReplacementMark(JsonSection section) {
    return readCodePoint(section.get("replacement"));
  }

  private static int readCodePoint(JsonSection section) {
    String text = section.text();
    if (text.isEmpty() || text.codePointCount(0, text.length()) != 1) {
      throw section.fail("must be a single character");
    }
    return text.codePointAt(0);
  }

  /** Old files have {@code add_prefix_space} where new ones have {@code prepend_scheme}. */
  private static PreTokenizer.PrependScheme readScheme(JsonSection section) {
    Optional<JsonSection> scheme = section.find("prepend_scheme");
    if (scheme.isEmpty()) {
      return section.flag("add_prefix_space", true)
          ? PreTokenizer.PrependScheme.ALWAYS
          : PreTokenizer.PrependScheme.NEVER;
    }
    return switch (scheme.get().text()) {
      case "always" -> PreTokenizer.PrependScheme.ALWAYS;
      case "first" -> PreTokenizer.PrependScheme.FIRST;
      case "never" -> PreTokenizer.PrependScheme.NEVER;
      default -> throw unsupported(scheme.get(), "prepend scheme", scheme.get().text());
    };
  }

  private static Replacement readReplacement(JsonSection section) {
    return new Replacement(readPattern(section.get("pattern")), section.text("content"));
  }

  private static Pattern readPattern(JsonSection section) {
    Optional<JsonSection> literal = section.find("String");
    if (literal.isPresent()) {
      String text = literal.get().text();
      if (text.isEmpty()) {
        throw literal.get().fail("a pattern must not be empty");
      }
      return Pattern.compile(text, Pattern.LITERAL);
    }
    JsonSection regex = section.get("Regex");
    try {
      return OnigurumaPattern.compile(regex.text());
    } catch (IllegalArgumentException e) {
      throw regex.fail(e);
    }
  }

  private static TextDecoder readDecoder(JsonSection section) {
    List<JsonSection> steps =
        section.text("type").equals("Sequence")
            ? section.get("decoders").elements()
            : List.of(section);
    if (steps.size() == 1) {
      JsonSection only = steps.getFirst();
      switch (only.text("type")) {
        case "ByteLevel" -> {
          return new TextDecoder.ByteLevel();
        }
        case "Metaspace" -> {
          return new TextDecoder.Metaspace(
              readReplacementMark(only), readScheme(only) != PreTokenizer.PrependScheme.NEVER);
        }
        default -> {
          // One of the steps below, all by itself.
        }
      }
    }
    return readPieceDecoder(steps);
  }

  /**
   * Replace, then ByteFallback, then Fuse, then Strip, each where it is wanted; in another order
   * the steps would not be a table lookup.
   */
  private static TextDecoder readPieceDecoder(List<JsonSection> steps) {
    var replacements = new ArrayList<Replacement>();
    boolean byteFallback = false;
    boolean fused = false;
    int stripped = ' ';
    int leadingStrip = 0;
    for (JsonSection step : steps) {
      String type = step.text("type");
      switch (type) {
        case "Replace" -> {
          require(step, !byteFallback && !fused, "must come before ByteFallback and Fuse");
          replacements.add(readReplacement(step));
        }
        case "ByteFallback" -> {
          require(step, !fused, "must come before Fuse");
          byteFallback = true;
        }
        case "Fuse" -> fused = true;
        case "Strip" -> {
          require(step, fused && leadingStrip == 0, "must come once, after Fuse");
          require(step, step.get("stop").integer() == 0, "must not strip the end of the text");
          stripped = readCodePoint(step.get("content"));
          leadingStrip = step.get("start").integer();
          require(step, leadingStrip >= 0, "must not strip a negative number of characters");
        }
        default -> throw unsupported(step, "decoder", type);
      }
    }
    return new TextDecoder.Pieces(replacements, byteFallback, stripped, leadingStrip);
  }

  private static void require(JsonSection step, boolean condition, String otherwise) {
    if (!condition) {
      throw step.fail("the decoder " + step.text("type") + " " + otherwise);
    }
  }

  private void readPostProcessor(JsonSection section, Affixes affixes) {
    String type = section.text("type");
    switch (type) {
      case "ByteLevel" -> {
        // It moves offsets only, and offsets are not kept.
      }
      case "Sequence" ->
          section.get("processors").elements().forEach(part -> readPostProcessor(part, affixes));
      case "TemplateProcessing" -> readTemplate(section, affixes);
      default -> throw unsupported(section, "post-processor", type);
    }
  }

  private void readTemplate(JsonSection section, Affixes affixes) {
    var before = new ArrayList<Integer>();
    var after = new ArrayList<Integer>();
    boolean textSeen = false;
    for (JsonSection item : section.get("single").elements()) {
      Optional<JsonSection> token = item.find("SpecialToken");
      if (token.isPresent()) {
        (textSeen ? after : before).addAll(templateIds(section, token.get().get("id")));
      } else {
        JsonSection id = item.get("Sequence").get("id");
        if (textSeen || !id.text().equals("A")) {
          throw id.fail("the template of a single text must contain the sequence A once");
        }
        textSeen = true;
      }
    }
    if (!textSeen) {
      throw section.get("single").fail("the template does not contain the text");
    }
    affixes.prefix.addAll(0, before);
    affixes.suffix.addAll(after);
  }

  private List<Integer> templateIds(JsonSection template, JsonSection name) {
    JsonSection token = template.get("special_tokens").get(name.text());
    var list = new ArrayList<Integer>();
    for (JsonSection element : token.get("ids").elements()) {
      int id = element.integer();
      if (id < 0 || id >= pieces.length || pieces[id] == null) {
        throw element.fail("the id " + id + " is not in the vocabulary");
      }
      list.add(id);
    }
    return list;
  }

  private void readConfig(JsonSection config, Affixes affixes) {
    if (config.flag("add_bos_token", false)) {
      int id = configuredId(config, "bos_token");
      if (!affixes.prefix.contains(id)) {
        affixes.prefix.addFirst(id);
      }
    }
    if (config.flag("add_eos_token", false)) {
      int id = configuredId(config, "eos_token");
      if (!affixes.suffix.contains(id)) {
        affixes.suffix.addLast(id);
      }
    }
  }

  /** A token that is written as its content, or as an object that has one. */
  private int configuredId(JsonSection config, String name) {
    JsonSection token = config.get(name);
    return idOf(token.node().isObject() ? token.get("content") : token);
  }

  private int idOf(JsonSection piece) {
    Integer id = ids.get(piece.text());
    if (id == null) {
      throw piece.fail("\"" + piece.text() + "\" is not in the vocabulary");
    }
    return id;
  }

  private static ModelFormatException unsupported(JsonSection section, String what, String name) {
    return section.fail("the " + what + " \"" + name + "\" is not supported");
  }
}
