package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import io.chasqui.tokenizer.Detokenizer;
import io.chasqui.tokenizer.Tokenizer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Our tokenizer against Hugging Face's own library, on the same files. */
class TokenizerOracleTest {
  private static final List<String> CHOSEN =
      List.of(
          "",
          " ",
          "a",
          "Hello, world!",
          "  leading and trailing  ",
          "你好!😀",
          "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n",
          "<s>[INST] hello [/INST]</s>",
          " <s> x",
          "line one\r\nline two\r\n\r\n\tindented",
          "I'll, I'LL, don't, DON'T, it’s",
          "123 4567 89,012.34 ٣٤٥ ½",
          "for (int i = 0; i < 10; i++) { sum += w[i]; }",
          "👩‍👩‍👧 👍🏽 🇪🇨 e\u0301 \u1112\u1161\u11ab",
          "<left> a  <left>b  <right>   c <both> d word words sword word! WORD! <ab> <abc> ÜNÏ",
          "▁already▁marked ▁ twice");

  private static List<TokenizerFixtures.Fixture> fixtures() {
    return TokenizerFixtures.all();
  }

  private static HuggingFaceTokenizer oracle(TokenizerFixtures.Fixture fixture) throws IOException {
    return HuggingFaceTokenizer.newInstance(
        new ByteArrayInputStream(fixture.json()),
        Map.of("truncation", "false", "padding", "false", "maxLength", "1000000"));
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void chosenTextsAgree(TokenizerFixtures.Fixture fixture) throws IOException {
    Tokenizer ours = TokenizerJson.read(fixture.json(), fixture.config());
    try (HuggingFaceTokenizer theirs = oracle(fixture)) {
      for (String text : CHOSEN) {
        assertAgree(theirs, ours, text, "chosen");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void randomTextsAgree(TokenizerFixtures.Fixture fixture) throws IOException {
    long seed = Long.getLong("chasqui.seed", System.nanoTime());
    var random = new SplittableRandom(seed);
    var texts = new RandomText(random);
    Tokenizer ours = TokenizerJson.read(fixture.json(), fixture.config());
    try (HuggingFaceTokenizer theirs = oracle(fixture)) {
      for (int i = 0; i < 2000; i++) {
        int length = i % 100 == 0 ? random.nextInt(4000) : random.nextInt(60);
        assertAgree(theirs, ours, texts.next(length), "seed " + seed + ", text " + i);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void aHundredThousandCharactersAgree(TokenizerFixtures.Fixture fixture) throws IOException {
    long seed = Long.getLong("chasqui.seed", System.nanoTime());
    Tokenizer ours = TokenizerJson.read(fixture.json(), fixture.config());
    try (HuggingFaceTokenizer theirs = oracle(fixture)) {
      String text = new RandomText(new SplittableRandom(seed)).next(100_000);
      assertAgree(theirs, ours, text, "seed " + seed);
    }
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void aHundredThousandEqualCharactersAgree(TokenizerFixtures.Fixture fixture) throws IOException {
    Tokenizer ours = TokenizerJson.read(fixture.json(), fixture.config());
    try (HuggingFaceTokenizer theirs = oracle(fixture)) {
      for (String unit :
          List.of("a", "A", " ", "\n", "7", "!", "😀", "你", "\r\n", "e\u0301", "▁")) {
        String text = unit.repeat(100_000 / unit.length());
        long start = System.nanoTime();
        int[] ids = ours.encode(text, false);
        Duration taken = Duration.ofNanos(System.nanoTime() - start);
        assertArrayEquals(ids(theirs, text, false), ids, unit);
        assertTrue(taken.toMillis() < 2000, () -> escaped(unit) + " took " + taken);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("fixtures")
  void specialTokensAroundTheTextAgree(TokenizerFixtures.Fixture fixture) throws IOException {
    Tokenizer ours = TokenizerJson.read(fixture.json(), Optional.empty());
    try (HuggingFaceTokenizer theirs = oracle(fixture)) {
      for (String text : CHOSEN) {
        assertArrayEquals(ids(theirs, text, true), ours.encode(text, true), text);
      }
    }
  }

  private static int[] ids(HuggingFaceTokenizer theirs, String text, boolean addSpecialTokens) {
    return Arrays.stream(theirs.encode(text, addSpecialTokens, false).getIds())
        .mapToInt(Math::toIntExact)
        .toArray();
  }

  private static void assertAgree(
      HuggingFaceTokenizer theirs, Tokenizer ours, String text, String where) {
    int[] expected = ids(theirs, text, false);
    int[] actual = ours.encode(text, false);
    int common = Arrays.mismatch(expected, actual);
    assertArrayEquals(
        expected,
        actual,
        () ->
            "%s: theirs %s, ours %s, in %s"
                .formatted(
                    where,
                    pieces(ours, expected, common),
                    pieces(ours, actual, common),
                    escaped(text)));
    long[] ids = Arrays.stream(expected).asLongStream().toArray();
    for (boolean skip : new boolean[] {true, false}) {
      assertEquals(
          theirs.decode(ids, skip), ours.decode(actual, skip), () -> where + ": " + escaped(text));
    }
    Detokenizer detokenizer = ours.newDetokenizer();
    var streamed = new StringBuilder();
    for (int id : actual) {
      streamed.append(detokenizer.append(id));
    }
    streamed.append(detokenizer.flush());
    assertEquals(ours.decode(actual, true), streamed.toString(), where);
  }

  private static List<String> pieces(Tokenizer tokenizer, int[] ids, int from) {
    return Arrays.stream(ids)
        .skip(Math.max(0, from - 5))
        .limit(15)
        .mapToObj(tokenizer::token)
        .toList();
  }

  private static String escaped(String text) {
    var escaped = new StringBuilder();
    text.chars()
        .limit(2000)
        .forEach(unit -> {
          if (unit >= ' ' && unit < 0x7f) {
            escaped.append((char) unit);
          } else {
            escaped.append("\\u%04x".formatted(unit));
          }
        });
    return escaped.toString();
  }
}
