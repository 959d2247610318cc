package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules of a tokenizer that need no oracle. */
class TokenizerTest {
  private static final int BOS = 2045;
  private static final int IM_START = 2046;
  private static final int IM_END = 2047;

  private final Tokenizer demo = read(TokenizerFixtures.demo());

  private static Tokenizer read(TokenizerFixtures.Fixture fixture) {
    return TokenizerJson.read(fixture.json(), fixture.config());
  }

  private static List<TokenizerFixtures.Fixture> lossless() {
    return Stream.of("demo", "gpt2", "llama3", "llama2", "mistral")
        .map(TokenizerFixtures::named)
        .toList();
  }

  @Test
  void theDemoModelsTextsStartWithItsBeginningOfSequence() {
    int[] ids = demo.encode("Hello", true);
    assertEquals(BOS, ids[0]);
    assertArrayEquals(demo.encode("Hello", false), Arrays.copyOfRange(ids, 1, ids.length));
    assertArrayEquals(new int[] {BOS}, demo.encode("", true));
    assertArrayEquals(new int[] {}, demo.encode("", false));
  }

  @Test
  void specialTokensInTheTextAreTheirIds() {
    int[] ids = demo.encode("<|im_start|>user<|im_end|>", false);
    assertEquals(IM_START, ids[0]);
    assertEquals(IM_END, ids[ids.length - 1]);
    assertEquals("user", demo.decode(ids, true));
    assertEquals("<|im_start|>user<|im_end|>", demo.decode(ids, false));
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void ordinaryTextNeverBecomesASpecialToken(TokenizerFixtures.Fixture fixture) {
    Tokenizer tokenizer = read(fixture);
    String text = "<|im_start|>system\n<|begin|><s></s><unk><|endoftext|><|im_end|>";
    int[] ids = tokenizer.encodeOrdinary(text);
    assertTrue(Arrays.stream(ids).noneMatch(tokenizer::isSpecial), Arrays.toString(ids));
    assertEquals(text, tokenizer.decode(ids, true));
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void whatIsEncodedDecodesToItself(TokenizerFixtures.Fixture fixture) {
    long seed = System.nanoTime();
    var texts = new RandomText(new SplittableRandom(seed));
    Tokenizer tokenizer = read(fixture);
    for (int i = 0; i < 500; i++) {
      // U+2581 is what SentencePiece writes for a space, and comes back as one. Newer Mistral files
      // do not tell a leading space from the one that they add.
      String text = "x" + texts.next(50).replace('▁', '_');
      int[] ids = tokenizer.encodeOrdinary(text);
      assertEquals(text, tokenizer.decode(ids, true), "seed " + seed + ", text " + i);
    }
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void theBytesOfTheTokensAreTheBytesOfTheText(TokenizerFixtures.Fixture fixture) {
    Tokenizer tokenizer = read(fixture);
    String text = "a 你好!😀 e\u0301\u0000";
    var bytes = new ByteArrayOutputStream();
    for (int id : tokenizer.encode(text, false)) {
      bytes.writeBytes(tokenizer.bytes(id));
    }
    assertEquals(text, bytes.toString(UTF_8).strip());
  }

  @Test
  void aTokensBytesAreACopy() {
    int id = demo.idOf("a").orElseThrow();
    Arrays.fill(demo.bytes(id), (byte) 'x');
    assertArrayEquals(new byte[] {'a'}, demo.bytes(id));
  }

  @Test
  void piecesAndIdsLeadToEachOther() {
    assertEquals(2048, demo.vocabularySize());
    for (int id = 0; id < demo.vocabularySize(); id++) {
      assertEquals(OptionalInt.of(id), demo.idOf(demo.token(id)));
    }
    assertEquals(OptionalInt.empty(), demo.idOf("no such piece"));
    assertEquals(OptionalInt.empty(), demo.idOf("\ud800"));
    assertTrue(demo.isSpecial(BOS));
    assertFalse(demo.isSpecial(0));
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 2048, Integer.MIN_VALUE, Integer.MAX_VALUE})
  void anIdOutsideTheVocabularyIsRefused(int id) {
    assertThrows(IllegalArgumentException.class, () -> demo.bytes(id));
    assertThrows(IllegalArgumentException.class, () -> demo.token(id));
    assertThrows(IllegalArgumentException.class, () -> demo.isSpecial(id));
    assertThrows(IllegalArgumentException.class, () -> demo.decode(new int[] {id}, true));
    assertThrows(IllegalArgumentException.class, () -> demo.newDetokenizer().append(id));
  }

  @Test
  void aLoneSurrogateIsRefusedWithItsIndex() {
    assertLoneSurrogate("ab\ud83d", 2);
    assertLoneSurrogate("\ude00", 0);
    assertLoneSurrogate("😀\ud83dx", 2);
    assertLoneSurrogate("\ud83d\ud83d\ude00", 0);
  }

  private void assertLoneSurrogate(String text, int index) {
    for (boolean ordinary : new boolean[] {true, false}) {
      var refusal =
          assertThrows(
              IllegalArgumentException.class,
              () -> {
                int[] ids = ordinary ? demo.encodeOrdinary(text) : demo.encode(text, true);
                assertEquals(0, ids.length);
              });
      assertTrue(refusal.getMessage().endsWith("index " + index), refusal.getMessage());
    }
  }

  @Test
  void aTokenThatIsAPartOfACharacterIsShownWhenTheCharacterIsComplete() {
    int[] ids = demo.encodeOrdinary("\u1f47");
    assertTrue(ids.length > 1);
    assertEquals("\ufffd", demo.decode(Arrays.copyOf(ids, ids.length - 1), true));
    var detokenizer = demo.newDetokenizer();
    for (int i = 0; i < ids.length - 1; i++) {
      assertEquals("", detokenizer.append(ids[i]));
    }
    assertEquals("\u1f47", detokenizer.append(ids[ids.length - 1]));
  }

  @Test
  void specialTokensContributeNothingToAStream() {
    var detokenizer = demo.newDetokenizer();
    assertEquals("", detokenizer.append(IM_END));
    assertEquals("", detokenizer.flush());
  }

  @Test
  void onlyTheTextsOwnBeginningLosesItsSpace() {
    Tokenizer llama2 = read(TokenizerFixtures.named("llama2"));
    var detokenizer = llama2.newDetokenizer();
    int word = llama2.idOf("▁the").orElseThrow();
    assertEquals("", detokenizer.append(llama2.idOf("<s>").orElseThrow()));
    assertEquals("the", detokenizer.append(word));
    assertEquals(" the", detokenizer.append(word));
    assertEquals("", detokenizer.flush());
    assertEquals("the", detokenizer.append(word));
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void eightThreadsGetTheSameIdsAsOne(TokenizerFixtures.Fixture fixture)
      throws InterruptedException, ExecutionException {
    var texts = new RandomText(new SplittableRandom(42));
    Tokenizer tokenizer = read(fixture);
    List<String> inputs = new ArrayList<>();
    List<int[]> expected = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      inputs.add(texts.next(300));
      expected.add(tokenizer.encode(inputs.get(i), true));
    }
    try (var executor = Executors.newFixedThreadPool(8)) {
      List<Future<Integer>> runs = new ArrayList<>();
      for (int thread = 0; thread < 8; thread++) {
        runs.add(
            executor.submit(() -> {
              int different = 0;
              for (int i = 0; i < inputs.size(); i++) {
                int[] ids = tokenizer.encode(inputs.get(i), true);
                different += Arrays.equals(expected.get(i), ids) ? 0 : 1;
              }
              return different;
            }));
      }
      for (Future<Integer> run : runs) {
        assertEquals(0, run.get());
      }
    }
  }
}
