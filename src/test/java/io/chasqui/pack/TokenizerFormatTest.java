package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.tokenizer.Tokenizer;
import io.chasqui.tokenizer.TokenizerFormat;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TokenizerFormatTest {

  private static List<TokenizerFixtures.Fixture> all() {
    return TokenizerFixtures.all();
  }

  @ParameterizedTest
  @MethodSource("all")
  void whatIsWrittenIsTheSameTokenizer(TokenizerFixtures.Fixture fixture) {
    long seed = System.nanoTime();
    var texts = new RandomText(new SplittableRandom(seed));
    Tokenizer source = TokenizerJson.read(fixture.json(), fixture.config());

    Tokenizer packed = read(TokenizerFormat.write(source));

    for (int i = 0; i < 300; i++) {
      String text = texts.next(60);
      String what = "seed " + seed + ", text " + i;
      int[] ids = source.encode(text, true);
      assertArrayEquals(ids, packed.encode(text, true), what);
      assertArrayEquals(source.encodeOrdinary(text), packed.encodeOrdinary(text), what);
      assertEquals(source.decode(ids, false), packed.decode(ids, false), what);
      assertEquals(source.decode(ids, true), packed.decode(ids, true), what);
    }
    assertEquals(source.vocabularySize(), packed.vocabularySize());
  }

  @ParameterizedTest
  @MethodSource("all")
  void itsTablesAreConsistentAndWrittenTheSameAgain(TokenizerFixtures.Fixture fixture) {
    byte[] section = TokenizerFormat.write(TokenizerJson.read(fixture.json(), fixture.config()));

    Tokenizer packed = read(section);

    TokenizerFormat.check(packed);
    assertArrayEquals(section, TokenizerFormat.write(packed));
  }

  @Test
  void everyTruncationIsRefused() {
    byte[] section = demo();
    for (int length = 0; length < section.length; length += length < 4096 ? 1 : 509) {
      byte[] shorter = Arrays.copyOf(section, length);
      assertThrows(IllegalArgumentException.class, () -> read(shorter), "length " + length);
    }
    assertThrows(
        IllegalArgumentException.class, () -> read(Arrays.copyOf(section, section.length + 1)));
  }

  @Test
  void aTableWithoutAFreeSlotIsRefused() {
    byte[] section = demo();
    ByteBuffer ints = ByteBuffer.wrap(section).order(ByteOrder.LITTLE_ENDIAN);
    int slots = tableOf(ints, 8192);
    for (int slot = 1; slot <= 8192; slot++) {
      ints.putInt(slots + 4 * slot, 0);
    }

    IllegalArgumentException refusal =
        assertThrows(IllegalArgumentException.class, () -> read(section));
    assertTrue(refusal.getMessage().contains("8192 keys in 8192 slots"), refusal.getMessage());
  }

  @Test
  void mutationsAreReadCheckedOrRefused() {
    long seed = System.nanoTime();
    var random = new SplittableRandom(seed);
    byte[] original = demo();
    int accepted = 0;
    int inconsistent = 0;
    for (int round = 0; round < 3000; round++) {
      byte[] section = original.clone();
      for (int flips = random.nextInt(1, 4); flips > 0; flips--) {
        // The rules lie in the first bytes, where there is most to get wrong.
        int position = random.nextInt(random.nextBoolean() ? 1000 : section.length);
        section[position] ^= (byte) (1 << random.nextInt(8));
      }
      try {
        Tokenizer tokenizer = read(section);
        accepted++;
        assertEquals(original.length, TokenizerFormat.write(tokenizer).length);
        tokenizer.decode(tokenizer.encode("A story <|im_end|> \ud83d\ude00", true), false);
        TokenizerFormat.check(tokenizer);
      } catch (IllegalArgumentException e) {
        inconsistent++;
      } catch (RuntimeException | Error e) {
        throw new AssertionError("seed " + seed + ", round " + round, e);
      }
    }
    assertTrue(accepted > 100, "accepted " + accepted + ", seed " + seed);
    assertTrue(inconsistent > 1000, "inconsistent " + inconsistent + ", seed " + seed);
  }

  /** Where the first array of the given number of ints begins that fills all its slots. */
  private static int tableOf(ByteBuffer section, int count) {
    for (int position = 0; position + 4 * (count + 1) <= section.capacity(); position++) {
      if (section.getInt(position) == count && section.getInt(position + 4) < 2048) {
        int free = 0;
        for (int slot = 1; slot <= count; slot++) {
          free += section.getInt(position + 4 * slot) == -1 ? 1 : 0;
        }
        if (free == count - 2048) {
          return position;
        }
      }
    }
    throw new AssertionError("no table of " + count + " slots");
  }

  private static byte[] demo() {
    TokenizerFixtures.Fixture demo = TokenizerFixtures.demo();
    return TokenizerFormat.write(TokenizerJson.read(demo.json(), demo.config()));
  }

  private static Tokenizer read(byte[] section) {
    return TokenizerFormat.read(ByteBuffer.wrap(section));
  }
}
