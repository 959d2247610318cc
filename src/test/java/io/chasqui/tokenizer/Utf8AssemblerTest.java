package io.chasqui.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8AssemblerTest {
  private static final int[] TELLING = {
    0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
    0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff
  };

  @Test
  void aCharacterIsHeldBackUntilItsLastByte() {
    var assembler = new Utf8Assembler();
    byte[] emoji = "😀".getBytes(UTF_8);
    assertEquals("a", assembler.append(new byte[] {'a', emoji[0]}));
    assertEquals("", assembler.append(new byte[] {emoji[1]}));
    assertEquals("", assembler.append(new byte[] {emoji[2]}));
    assertEquals("😀b", assembler.append(new byte[] {emoji[3], 'b'}));
    assertEquals("", assembler.flush());
  }

  @Test
  void anUnfinishedTailIsOneReplacementCharacterAndTheAssemblerIsThenAsNew() {
    var assembler = new Utf8Assembler();
    assertEquals("", assembler.append(HexFormat.of().parseHex("f09f98")));
    assertEquals("\ufffd", assembler.flush());
    assertEquals("", assembler.flush());
    assertEquals("x", assembler.append(new byte[] {'x'}));
  }

  @ParameterizedTest
  @CsvSource({
    "c0, 1", // overlong
    "c1bf, 2",
    "e080, 2",
    "f08080, 3",
    "eda080, 1", // a surrogate
    "edbfbf, 1",
    "f490, 2", // above U+10FFFF
    "f5, 1",
    "ff, 1",
    "80, 1", // a continuation byte by itself
    "bfbfbf, 3"
  })
  void malformedBytesAreReleasedAtOnce(String hex, int replacements) {
    var assembler = new Utf8Assembler();
    byte[] bytes = HexFormat.of().parseHex(hex);
    assertEquals("\ufffd".repeat(replacements), assembler.append(bytes));
    assertEquals("", assembler.flush());
  }

  @Test
  void theBytesGivenAreNotChanged() {
    var assembler = new Utf8Assembler();
    byte[] given = {(byte) 0xE4, (byte) 0xBD};
    byte[] copy = given.clone();
    assertEquals("", assembler.append(given));
    Arrays.fill(given, (byte) 'x');
    assertEquals("你", assembler.append(new byte[] {(byte) 0xA0}));
    assertEquals(2, copy.length);
  }

  @Test
  void anySplitOfAnyBytesGivesWhatTheyGiveTogetherAndHoldsBackThreeAtMost() {
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes = randomBytes(random);
      var assembler = new Utf8Assembler();
      var text = new StringBuilder();
      int given = 0;
      while (given < bytes.length) {
        int next = Math.min(bytes.length, given + random.nextInt(5));
        text.append(assembler.append(Arrays.copyOfRange(bytes, given, next)));
        given = next;
        assertTrue(
            isPrefixWithoutTail(text.toString(), bytes, given),
            () -> "seed " + seed + ": " + HexFormat.of().formatHex(bytes));
      }
      text.append(assembler.flush());
      assertEquals(
          new String(bytes, UTF_8),
          text.toString(),
          () -> "seed " + seed + ": " + HexFormat.of().formatHex(bytes));
    }
  }

  private static byte[] randomBytes(SplittableRandom random) {
    byte[] bytes = new byte[random.nextInt(24)];
    int i = 0;
    while (i < bytes.length) {
      if (random.nextInt(3) == 0) {
        byte[] whole = Character.toString(random.nextInt(0xE000, 0x110000)).getBytes(UTF_8);
        for (int j = 0; j < whole.length && i < bytes.length; j++) {
          bytes[i++] = whole[j];
        }
      } else {
        bytes[i++] = (byte) TELLING[random.nextInt(TELLING.length)];
      }
    }
    return bytes;
  }

  /** Whether a text is that of the first bytes but for three at most. */
  private static boolean isPrefixWithoutTail(String text, byte[] bytes, int given) {
    for (int held = 0; held <= Math.min(3, given); held++) {
      if (text.equals(new String(bytes, 0, given - held, UTF_8))) {
        return true;
      }
    }
    return false;
  }
}
