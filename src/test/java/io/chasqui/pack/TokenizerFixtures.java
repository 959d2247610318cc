package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JavaType;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Small {@code tokenizer.json} files in the shape of each model family, with vocabularies trained
 * here on our own text.
 */
final class TokenizerFixtures {
  private static final JsonMapper MAPPER = new JsonMapper();

  static final String LLAMA3_PATTERN =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  static final String QWEN2_PATTERN = LLAMA3_PATTERN.replace("\\p{N}{1,3}", "\\p{N}");

  private TokenizerFixtures() {}

  /** A tokenizer.json and, for some, a tokenizer_config.json. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Fixture(String name, byte[] json, Optional<byte[]> config) {
    @Override
    public String toString() {
      return name;
    }
  }

  /** All of them, trained once. */
  private static final class All {
    private static final List<Fixture> FIXTURES =
        List.of(
            demo(),
            gpt2(),
            gpt2WithPrefixSpace(),
            llama3(),
            qwen2(),
            upperAndLower(),
            threeSplits(),
            digitsAndSplits(),
            llama2(),
            llama2WithUnknowns(),
            mistral(),
            metaspace("always"),
            metaspace("never"),
            addedTokens());
  }

  static List<Fixture> all() {
    return All.FIXTURES;
  }

  static Fixture named(String name) {
    return all().stream().filter(fixture -> fixture.name().equals(name)).findFirst().orElseThrow();
  }

  static Fixture demo() {
    return new Fixture(
        "demo",
        resource("/models/demo/tokenizer.json"),
        Optional.of(resource("/models/demo/tokenizer_config.json")));
  }

  private static Fixture gpt2() {
    return byteLevel("gpt2", byteLevelStep(false, true), null, Map.of());
  }

  private static Fixture gpt2WithPrefixSpace() {
    return byteLevel("gpt2-prefix-space", byteLevelStep(true, true), null, Map.of());
  }

  private static Fixture llama3() {
    return byteLevel(
        "llama3",
        sequence(
            "pretokenizers", split(LLAMA3_PATTERN, "Isolated", false), byteLevelStep(false, false)),
        null,
        Map.of("ignore_merges", true));
  }

  private static Fixture qwen2() {
    return byteLevel(
        "qwen2",
        sequence(
            "pretokenizers", split(QWEN2_PATTERN, "Isolated", false), byteLevelStep(false, false)),
        Map.of("type", "NFC"),
        Map.of());
  }

  /** The pattern of newer vocabularies that tells upper case from lower. */
  private static Fixture upperAndLower() {
    String upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
    String lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
    String before = "[^\\r\\n\\p{L}\\p{N}]?";
    String after = "(?i:'s|'t|'re|'ve|'m|'ll|'d)?";
    String pattern =
        String.join(
            "|",
            before + upper + "*" + lower + "+" + after,
            before + upper + "+" + lower + "*" + after,
            "\\p{N}{1,3}",
            " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*",
            "\\s*[\\r\\n]+",
            "\\s+(?!\\S)",
            "\\s+");
    return byteLevel(
        "upper-and-lower",
        sequence("pretokenizers", split(pattern, "Isolated", false), byteLevelStep(false, false)),
        null,
        Map.of());
  }

  /** DeepSeek's shape: numbers, then Chinese and Japanese, then the rest. */
  private static Fixture threeSplits() {
    String rest =
        "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
            + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*"
            + "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    return byteLevel(
        "three-splits",
        sequence(
            "pretokenizers",
            split("\\p{N}{1,3}", "Isolated", false),
            split("[一-龥\u3040-ゟ゠-ヿ]+", "Isolated", false),
            split(rest, "Isolated", false),
            byteLevelStep(false, false)),
        null,
        Map.of());
  }

  /** No family's, but each step is somebody's. */
  private static Fixture digitsAndSplits() {
    return byteLevel(
        "digits-and-splits",
        sequence(
            "pretokenizers",
            Map.of("type", "Digits", "individual_digits", true),
            split("[\\r\\n]", "MergedWithPrevious", false),
            split("[一-龥\\u3040-ヿ]+", "Contiguous", false),
            split("_|--", "Removed", false),
            split("\\s+", "MergedWithNext", false),
            split("\\w+|\\s+", "MergedWithPrevious", true),
            split("[^\u3000]+", "Removed", true),
            split("\\p{M}*", "Isolated", false),
            byteLevelStep(false, false)),
        sequence(
            "normalizers",
            Map.of("type", "NFKC"),
            Map.of("type", "Lowercase"),
            Map.of("type", "Strip", "strip_left", false, "strip_right", true)),
        Map.of());
  }

  private static Fixture llama2() {
    return sentencePiece("llama2", true, Map.of("type", "none"));
  }

  private static Fixture llama2WithUnknowns() {
    return sentencePiece("llama2-unknowns", false, Map.of("type", "none"));
  }

  private static Fixture mistral() {
    return sentencePiece("mistral", true, metaspaceStep("first", false));
  }

  private static Fixture metaspace(String scheme) {
    return sentencePiece("metaspace-" + scheme, true, metaspaceStep(scheme, true));
  }

  /** A byte-level vocabulary whose added tokens use every option. */
  private static Fixture addedTokens() {
    JsonNode base = parse(gpt2().json());
    Map<String, Object> root = MAPPER.convertValue(base, mapType());
    var tokens = new ArrayList<Object>();
    Object given = root.get("added_tokens");
    if (given instanceof List<?> list) {
      tokens.addAll(list);
    }
    int next = tokens.size() + base.get("model").get("vocab").size();
    tokens.add(token(next++, "<left>", true, false, true, false, false));
    tokens.add(token(next++, "<right>", true, false, false, true, false));
    tokens.add(token(next++, "<both>", false, true, true, true, false));
    tokens.add(token(next++, "word", false, true, false, false, true));
    tokens.add(token(next++, "WORD!", false, false, false, false, true));
    tokens.add(token(next++, "<a", false, false, false, false, false));
    tokens.add(token(next++, "<ab>", true, false, false, false, false));
    tokens.add(token(next++, "Ünï", false, true, false, false, false));
    tokens.add(token(next++, "  ", false, false, false, false, false));
    root.put("added_tokens", tokens);
    root.put("normalizer", Map.of("type", "Lowercase"));
    return new Fixture("added-tokens", bytes(root), Optional.empty());
  }

  private static Fixture byteLevel(
      String name, Object preTokenizer, Object normalizer, Map<String, Object> options) {
    var vocabulary = new LinkedHashMap<String, Integer>();
    for (int value = 0; value < 256; value++) {
      vocabulary.put(byteName(value), value);
    }
    List<List<String>> words =
        Pattern.compile(" ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+")
            .matcher(corpus())
            .results()
            .map(match -> byteNames(match.group()))
            .toList();
    List<BpeTrainer.Merge> merges = BpeTrainer.train(words, 600);
    merges.forEach(
        merge -> vocabulary.putIfAbsent(merge.left() + merge.right(), vocabulary.size()));
    // Pieces that no merge reaches: found by ignore_merges only.
    vocabulary.putIfAbsent(String.join("", byteNames(" zyzzyva")), vocabulary.size());
    vocabulary.putIfAbsent(String.join("", byteNames(" 你好")), vocabulary.size());

    var model = model(vocabulary);
    model.put("merges", merges.stream().map(merge -> merge.left() + " " + merge.right()).toList());
    model.putAll(options);
    int first = vocabulary.size();
    return file(
        name,
        normalizer,
        preTokenizer,
        sequence("processors", byteLevelStep(true, true), template("<|begin|>", first)),
        byteLevelStep(true, true),
        model,
        List.of(
            special(first, "<|begin|>"),
            special(first + 1, "<|im_start|>"),
            special(first + 2, "<|im_end|>")));
  }

  private static Fixture sentencePiece(
      String name, boolean byteFallback, Map<String, Object> metaspace) {
    var vocabulary = new LinkedHashMap<String, Integer>();
    for (String piece : List.of("<unk>", "<s>", "</s>")) {
      vocabulary.put(piece, vocabulary.size());
    }
    for (int value = 0; byteFallback && value < 256; value++) {
      vocabulary.put("<0x%02X>".formatted(value), vocabulary.size());
    }
    String corpus = corpus().replace(' ', '▁');
    corpus
        .codePoints()
        .distinct()
        .sorted()
        .filter(codePoint -> codePoint < 0x3000)
        .forEach(
            codePoint -> vocabulary.putIfAbsent(Character.toString(codePoint), vocabulary.size()));
    List<List<String>> words =
        Pattern.compile("▁*[^▁]+|▁+")
            .matcher(corpus)
            .results()
            .map(match -> match.group().codePoints().mapToObj(Character::toString).toList())
            .toList();
    List<BpeTrainer.Merge> merges =
        BpeTrainer.train(words, 700).stream()
            .filter(merge -> (merge.left() + merge.right()).codePoints().allMatch(c -> c < 0x3000))
            .toList();
    merges.forEach(
        merge -> vocabulary.putIfAbsent(merge.left() + merge.right(), vocabulary.size()));

    var model = model(vocabulary);
    model.put("merges", merges.stream().map(m -> List.of(m.left(), m.right())).toList());
    model.put("byte_fallback", byteFallback);
    model.put("unk_token", "<unk>");
    model.put("fuse_unk", true);
    boolean legacy = "none".equals(metaspace.get("type"));
    Object normalizer =
        legacy
            ? sequence(
                "normalizers",
                Map.of("type", "Prepend", "prepend", "▁"),
                Map.of("type", "Replace", "pattern", Map.of("String", " "), "content", "▁"))
            : null;
    Object decoder =
        "always".equals(metaspace.get("prepend_scheme"))
                || "never".equals(metaspace.get("prepend_scheme"))
            ? metaspace
            : sequence(
                "decoders",
                Map.of("type", "Replace", "pattern", Map.of("String", "▁"), "content", " "),
                Map.of("type", "ByteFallback"),
                Map.of("type", "Fuse"),
                Map.of("type", "Strip", "content", " ", "start", 1, "stop", 0));
    return file(
        name,
        normalizer,
        legacy ? null : metaspace,
        template("<s>", 1),
        decoder,
        model,
        List.of(special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")));
  }

  private static Fixture file(
      String name,
      Object normalizer,
      Object preTokenizer,
      Object postProcessor,
      Object decoder,
      Object model,
      List<Object> addedTokens) {
    var root = new LinkedHashMap<String, Object>();
    root.put("version", "1.0");
    root.put("truncation", null);
    root.put("padding", null);
    root.put("added_tokens", addedTokens);
    root.put("normalizer", normalizer);
    root.put("pre_tokenizer", preTokenizer);
    root.put("post_processor", postProcessor);
    root.put("decoder", decoder);
    root.put("model", model);
    return new Fixture(name, bytes(root), Optional.empty());
  }

  private static Map<String, Object> model(Map<String, Integer> vocabulary) {
    var model = new LinkedHashMap<String, Object>();
    model.put("type", "BPE");
    model.put("dropout", null);
    model.put("unk_token", null);
    model.put("continuing_subword_prefix", null);
    model.put("end_of_word_suffix", null);
    model.put("fuse_unk", false);
    model.put("byte_fallback", false);
    model.put("ignore_merges", false);
    model.put("vocab", vocabulary);
    return model;
  }

  private static Object template(String token, int id) {
    var first = Map.of("SpecialToken", Map.of("id", token, "type_id", 0));
    var text = Map.of("Sequence", Map.of("id", "A", "type_id", 0));
    return Map.of(
        "type", "TemplateProcessing",
        "single", List.of(first, text),
        "pair", List.of(first, text, Map.of("Sequence", Map.of("id", "B", "type_id", 1))),
        "special_tokens",
            Map.of(token, Map.of("id", token, "ids", List.of(id), "tokens", List.of(token))));
  }

  private static Map<String, Object> byteLevelStep(boolean prefixSpace, boolean useRegex) {
    return Map.of(
        "type",
        "ByteLevel",
        "add_prefix_space",
        prefixSpace,
        "trim_offsets",
        true,
        "use_regex",
        useRegex);
  }

  private static Map<String, Object> metaspaceStep(String scheme, boolean split) {
    return Map.of(
        "type", "Metaspace", "replacement", "▁", "prepend_scheme", scheme, "split", split);
  }

  private static Object split(String regex, String behavior, boolean invert) {
    return Map.of(
        "type", "Split", "pattern", Map.of("Regex", regex), "behavior", behavior, "invert", invert);
  }

  private static Object sequence(String name, Object... parts) {
    return Map.of("type", "Sequence", name, Arrays.asList(parts));
  }

  private static Object special(int id, String content) {
    return token(id, content, true, false, false, false, false);
  }

  private static Object token(
      int id,
      String content,
      boolean special,
      boolean normalized,
      boolean lstrip,
      boolean rstrip,
      boolean singleWord) {
    return Map.of(
        "id", id,
        "content", content,
        "special", special,
        "normalized", normalized,
        "lstrip", lstrip,
        "rstrip", rstrip,
        "single_word", singleWord);
  }

  private static List<String> byteNames(String text) {
    var names = new ArrayList<String>();
    for (byte value : text.getBytes(UTF_8)) {
      names.add(byteName(value & 0xFF));
    }
    return names;
  }

  /** GPT-2's alphabet written a second time, so that the test does not trust the code it tests. */
  private static String byteName(int value) {
    String printable = "!-~¡-¬®-ÿ";
    int moved = 0;
    for (int i = 0; i <= value; i++) {
      boolean visible = Character.toString(i).matches("[" + printable + "]");
      if (i == value) {
        return Character.toString(visible ? value : 256 + moved);
      }
      moved += visible ? 0 : 1;
    }
    throw new IllegalArgumentException("not a byte: " + value);
  }

  private static String corpus() {
    String card = new String(resource("/models/demo/MODEL_CARD.md"), UTF_8);
    return card
        + """
        The word word words: it's, they're, we'll, I'd, I'm, you've; don't! DON'T! 1234 567 89.
            for (int i = 0; i < 10; i++) {
                sum += weights[i] * inputs[i]; // a comment
            }
        El niño comió mañana; l'été déjà naïve; Größe, Straße, Übermut; приветствие, привет, мир.
        你好，世界。你好吗？我们今天去学校。我们明天去学校。こんにちは世界。こんにちは。
        مرحبا بالعالم مرحبا שלום עולם שלום नमस्ते दुनिया नमस्ते 안녕하세요 안녕
        😀😀 👍🏽 👩‍👩‍👧 café cafe\u0301 cafe\u0301
        """;
  }

  private static byte[] resource(String name) {
    try (InputStream in = TokenizerFixtures.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static JsonNode parse(byte[] json) {
    try {
      return MAPPER.readTree(json);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static JavaType mapType() {
    return MAPPER
        .getTypeFactory()
        .constructMapType(LinkedHashMap.class, String.class, Object.class);
  }

  static byte[] bytes(Object json) {
    try {
      return MAPPER.writeValueAsBytes(json);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
