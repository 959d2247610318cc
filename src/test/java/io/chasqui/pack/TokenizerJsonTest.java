package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.tokenizer.PatternException;
import io.chasqui.tokenizer.Tokenizer;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerJsonTest {
  private static final String JSON =
      """
      {
        "added_tokens": [
          {"id": 6, "content": "<s>", "special": true, "normalized": false,
           "lstrip": false, "rstrip": false, "single_word": false}
        ],
        "normalizer": {"type": "Sequence", "normalizers": [
          {"type": "Prepend", "prepend": "_"},
          {"type": "Replace", "pattern": {"String": " "}, "content": "_"},
          {"type": "NFC"}, {"type": "Strip", "strip_left": false, "strip_right": true},
          {"type": "Lowercase"}]},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
          {"type": "Split", "pattern": {"Regex": "[0-9]+"}, "behavior": "Isolated", "invert": false},
          {"type": "Digits", "individual_digits": true},
          {"type": "Metaspace", "replacement": "_", "prepend_scheme": "first", "split": false}]},
        "post_processor": {"type": "TemplateProcessing",
          "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
                     {"Sequence": {"id": "A", "type_id": 0}}],
          "special_tokens": {"<s>": {"id": "<s>", "ids": [6], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
          {"type": "Replace", "pattern": {"String": "_"}, "content": " "},
          {"type": "ByteFallback"}, {"type": "Fuse"},
          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "fuse_unk": true,
          "byte_fallback": true, "ignore_merges": false,
          "vocab": {"<unk>": 0, "_": 1, "a": 2, "b": 3, "ab": 4, "_ab": 5, "a b": 7},
          "merges": ["a b", ["_", "ab"]]}
      }
      """;

  private static Tokenizer read(String json) {
    return TokenizerJson.read(json.getBytes(UTF_8), Optional.empty());
  }

  private static Tokenizer read(String json, String config) {
    return TokenizerJson.read(json.getBytes(UTF_8), Optional.of(config.getBytes(UTF_8)));
  }

  private static String with(String old, String replacement) {
    assertTrue(JSON.contains(old), old);
    return JSON.replace(old, replacement);
  }

  private static ModelFormatException assertRefused(String json, String reason) {
    var refusal = assertThrows(ModelFormatException.class, () -> read(json));
    assertTrue(refusal.getMessage().startsWith("tokenizer.json"), refusal.getMessage());
    assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
    return refusal;
  }

  @Test
  void mergesMayBeStringsOrPairs() {
    assertArrayEquals(new int[] {6, 5, 5}, read(JSON).encode("ab ab", true));
  }

  @Test
  void aPairMayHaveSpacesInItsParts() {
    String json =
        with("\"a b\": 7", "\"a \": 7, \"a b\": 8, \" \": 9")
            .replace("[\"a b\",", "[[\"a\", \" \"], [\"a \", \"b\"],")
            .replace(
                "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}",
                "{\"type\": \"Replace\", \"pattern\": {\"String\": \"#\"}")
            .replace(
                "\"type\": \"Metaspace\", \"replacement\": \"_\"",
                "\"type\": \"Digits\", \"replacement\": \"_\"");
    assertArrayEquals(new int[] {1, 8}, read(json).encode("a b", false));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'\"<unk>\": 0'      | '\"<unk>\": -1'           | must be from 0",
        "'\"<unk>\": 0'      | '\"<unk>\": 2000000000'   | must be from 0",
        "'\"<unk>\": 0'      | '\"<unk>\": 4000000'      | for only 8 tokens",
        "'\"<unk>\": 0'      | '\"<unk>\": 20000000000'  | must be an integer",
        "'\"<unk>\": 0'      | '\"<unk>\": 0.5'          | must be an integer",
        "'\"<unk>\": 0'      | '\"<unk>\": \"0\"'        | must be an integer",
        "'\"<unk>\": 0'      | '\"<unk>\": null'         | must be an integer",
        "'\"<unk>\": 0'      | '\"<unk>\": 1'            | have the same id 1",
        "'\"a\": 2'          | '\"a\": 2, \"a\": 9'      | Duplicate",
        "'\"a\": 2'          | '\"\\ud800\": 2'          | surrogate",
        "'\"id\": 6'         | '\"id\": 5'               | have the same id 5",
        "'\"id\": 6'         | '\"id\": -6'              | must be from 0",
        "'\"id\": 6'         | '\"id\": \"6\"'           | must be an integer",
        "'\"content\": \"<s>\"' | '\"content\": \"ab\"'  | has the id 6 here and 4",
        "'\"content\": \"<s>\"' | '\"content\": \"\"'    | must not be empty",
        "'\"content\": \"<s>\"' | '\"content\": 5'       | must be a string",
        "'\"special\": true' | '\"special\": \"true\"'   | true or false",
        "'\"a b\", ['        | '\"a c\", ['              | not in the vocabulary",
        "'\"a b\", ['        | '\"b a\", ['              | not in the vocabulary",
        "'\"a b\", ['        | '\"ab\", ['               | two pieces",
        "'\"a b\", ['        | '\"a b c\", ['            | two pieces",
        "'\"a b\", ['        | '7, ['                    | array of two strings",
        "'[\"_\", \"ab\"]'   | '[\"_\", 4]'              | array of two strings",
        "'[\"_\", \"ab\"]'   | '[\"_\"]'                 | array of two strings",
        "'\"type\": \"BPE\"' | '\"type\": \"Unigram\"'   | 'model type \"Unigram\"'",
        "'\"type\": \"NFC\"' | '\"type\": \"Precompiled\"' | 'normalizer \"Precompiled\"'",
        "'\"type\": \"Digits\"' | '\"type\": \"BertPreTokenizer\"' | 'pre-tokenizer \"BertPre'",
        "'\"type\": \"Digits\"' | '\"type\": \"ByteLevel\"' | must be the last",
        "'\"type\": \"Fuse\"' | '\"type\": \"WordPiece\"' | 'decoder \"WordPiece\"'",
        "'\"type\": \"TemplateProcessing\"' | '\"type\": \"BertProcessing\"' | 'post-processor \"Bert'",
        "'\"Isolated\"'      | '\"Sometimes\"'           | 'behavior \"Sometimes\"'",
        "'\"first\"'         | '\"last\"'                | 'prepend scheme \"last\"'",
        "'[0-9]+'            | '[0-9+'                   | malformed",
        "'\"Regex\"'         | '\"Glob\"'                | '\"Regex\" is missing'",
        "'\"ids\": [6]'      | '\"ids\": [60]'           | not in the vocabulary",
        "'\"ids\": [6]'      | '\"ids\": 6'              | must be an array",
        "'\"id\": \"A\"'     | '\"id\": \"B\"'           | the sequence A once",
        "'\"stop\": 0'       | '\"stop\": 1'             | must not strip the end",
        "'\"start\": 1'      | '\"start\": -1'           | negative",
        "'\"content\": \" \", \"start\"' | '\"content\": \"\", \"start\"' | single character",
        "'\"dropout\": null' | '\"dropout\": 0.1'        | for training",
        "'\"unk_token\": \"<unk>\"' | '\"unk_token\": \"?\"' | not in the vocabulary",
        "'\"model\"'         | '\"modell\"'              | '\"model\" is missing'",
        "'\"decoder\"'       | '\"decoderr\"'            | '\"decoder\" is missing'"
      })
  void whatIsWrongIsNamed(String old, String replacement, String reason) {
    assertRefused(with(old, replacement), reason);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "null", "[]", "7", "{", "{\"model\"", "{} {}", "\u0000"})
  void whatIsNoJsonObjectIsRefused(String json) {
    assertRefused(json, "JSON");
  }

  @Test
  void aSyntaxErrorIsNamedWithItsPlace() {
    assertTrue(assertRefused("{\"model\": }", "not valid JSON").offset() > 0);
  }

  @Test
  void endlessNestingIsRefused() {
    assertRefused("{\"model\": " + "[".repeat(200_000), "not valid JSON");
  }

  @Test
  void aTextThatAPatternCannotMatchForItsLengthIsTheModelsFault() {
    Tokenizer tokenizer = read(with("[0-9]+", "(?:a|b)+"));
    assertEquals("abab", tokenizer.decode(tokenizer.encode("abab", false), true));
    String text = "ab".repeat(500_000);
    var refusal = assertThrows(PatternException.class, () -> tokenizer.encodeOrdinary(text));
    assertTrue(refusal.getMessage().contains("the pattern \"(?:a|b)+\""), refusal.getMessage());
  }

  @Test
  void aDecodersPatternThatDoesNotEndIsTheFilesFault() {
    String json =
        with("\"ab\": 4", "\"ab\": 4, \"" + "a".repeat(5000) + "\": 8")
            .replace("{\"String\": \"_\"}", "{\"Regex\": \"a*a*a*a*z\"}");
    assertRefused(json, "the pattern \"a*a*a*a*z\"");
  }

  @Test
  void anAddedTokenOfManyCharactersIsRefused() {
    assertRefused(with("\"<s>\"", "\"<" + "s".repeat(256) + ">\""), "at most 256 characters");
  }

  @Test
  void theConfigAddsABeginningAndAnEndWhereTheTemplateHasNone() {
    String none = with("\"post_processor\"", "\"ignored\"");
    assertArrayEquals(new int[] {5}, read(none).encode("ab", true));
    assertArrayEquals(
        new int[] {6, 5},
        read(none, "{\"add_bos_token\": true, \"bos_token\": \"<s>\"}").encode("ab", true));
    assertArrayEquals(
        new int[] {5, 6},
        read(none, "{\"add_eos_token\": true, \"eos_token\": {\"content\": \"<s>\"}}")
            .encode("ab", true));
    assertArrayEquals(
        new int[] {6, 5},
        read(JSON, "{\"add_bos_token\": true, \"bos_token\": \"<s>\"}").encode("ab", true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"add_bos_token\": true}",
        "{\"add_bos_token\": true, \"bos_token\": \"<none>\"}",
        "{\"add_bos_token\": true, \"bos_token\": 7}",
        "{\"add_bos_token\": \"yes\"}",
        "[]"
      })
  void aWrongConfigIsNamed(String config) {
    var refusal = assertThrows(ModelFormatException.class, () -> read(JSON, config));
    assertTrue(refusal.getMessage().startsWith("tokenizer_config.json"), refusal.getMessage());
  }

  @Test
  void aDamagedFileIsReadOrRefusedButNeverAnAccident() {
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    String[] values = {"null", "true", "-1", "1e9", "\"\"", "[]", "{}", "[null]", "\"a\"", "3"};
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      String damaged = damage(random, values);
      try {
        read(damaged).encode("ab 12 <s> c", true);
      } catch (ModelFormatException e) {
        refused++;
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + damaged, e);
      }
    }
    assertTrue(refused > 1000, "refused " + refused);
  }

  /** Puts another value in a random value's place, or other characters in a few random places. */
  private static String damage(SplittableRandom random, String[] values) {
    if (random.nextInt(4) == 0) {
      var json = new StringBuilder(JSON);
      for (int i = 0; i <= random.nextInt(3); i++) {
        json.setCharAt(random.nextInt(json.length()), (char) random.nextInt(' ', 0x7f));
      }
      return json.toString();
    }
    var places =
        Pattern.compile("(?<=[:\\[,] ?)(\"[^\"]*\"|true|false|null|-?[0-9]+)")
            .matcher(JSON)
            .results()
            .toList();
    var place = places.get(random.nextInt(places.size()));
    return JSON.substring(0, place.start())
        + values[random.nextInt(values.length)]
        + JSON.substring(place.end());
  }

  @Test
  void theMessageIsOneSentenceThatNamesFilePlaceAndReason() {
    var failure = new ModelFormatException("model.chasqui", "header", 16, "the length is odd");
    assertEquals("model.chasqui, header, at byte 16: the length is odd", failure.getMessage());
    assertEquals("model.chasqui", failure.file());
    assertEquals("header", failure.section());
    assertEquals(16, failure.offset());
  }
}
