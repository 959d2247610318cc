package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The logits of sequences that share KV blocks are to the bit those of sequences that do not. */
class SharedBlocksTest {
  private static final int VOCABULARY = 2048;

  @TempDir static Path directory;

  private final int[] text = tokens(1, 90);

  @BeforeAll
  static void pack() throws IOException {
    ModelPacker.pack(new EmbeddedModel(), file(), DType.Q4, Progress.NONE);
  }

  private static Path file() {
    return directory.resolve("demo.chasqui");
  }

  private static RunningDecoder decoder(KvLayout.Type kvType) {
    return new RunningDecoder(file(), 2, kvType);
  }

  private static int[] tokens(long seed, int count) {
    return new Random(seed).ints(count, 0, VOCABULARY).toArray();
  }

  /** The text up to {@code length}, and other tokens after it. */
  private int[] continued(int length, long seed) {
    int[] other = Arrays.copyOf(text, length + 20);
    System.arraycopy(tokens(seed, 20), 0, other, length, 20);
    return other;
  }

  private static void compute(RunningDecoder decoder, Sequence sequence, int[] tokens) {
    Batch batch = new Batch();
    batch.add(sequence, tokens, 0);
    decoder.forward(batch);
  }

  /** A sequence that has computed a text in steps of odd lengths, and published it. */
  private static Sequence published(RunningDecoder decoder, int[] tokens) {
    Sequence sequence = decoder.sequence();
    int from = sequence.adopt(tokens, 0);
    for (int to; from < tokens.length; from = to) {
      to = Math.min(from + 13, tokens.length);
      compute(decoder, sequence, Arrays.copyOfRange(tokens, from, to));
    }
    sequence.publish();
    return sequence;
  }

  /** Goes on with texts in one batch, token by token, as each would go on alone. */
  private static void assertGoOn(
      RunningDecoder decoder, Sequence[] sequences, int[][] texts, float[][][] expected) {
    for (int step = 0; step < 20; step++) {
      Batch batch = new Batch();
      for (int s = 0; s < sequences.length; s++) {
        batch.add(sequences[s], new int[] {texts[s][sequences[s].length()]}, 1);
      }
      decoder.forward(batch);
      for (int s = 0; s < sequences.length; s++) {
        int position = sequences[s].length() - 1;
        assertArrayEquals(
            expected[s][position], decoder.row(s), "sequence " + s + ", position " + position);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(KvLayout.Type.class)
  void anAdoptedPrefixGoesOnAsIfItHadBeenComputed(KvLayout.Type kvType) {
    try (RunningDecoder decoder = decoder(kvType)) {
      float[][] expected = decoder.logits(text, 1);
      published(decoder, text).close();
      try (Sequence sequence = decoder.sequence()) {
        assertEquals(64, sequence.adopt(Arrays.copyOf(text, 70), 0));
        assertGoOn(
            decoder, new Sequence[] {sequence}, new int[][] {text}, new float[][][] {expected});
      }
    }
  }

  @ParameterizedTest
  @EnumSource(KvLayout.Type.class)
  void forksGoOnAsIfEachWereAlone(KvLayout.Type kvType) {
    try (RunningDecoder decoder = decoder(kvType);
        Sequence sequence = published(decoder, Arrays.copyOf(text, 40));
        Sequence second = sequence.fork();
        Sequence third = second.fork()) {
      int[][] texts = {continued(40, 1), continued(40, 2), continued(40, 3)};
      float[][][] expected = logits(kvType, texts);
      assertGoOn(decoder, new Sequence[] {sequence, second, third}, texts, expected);
      assertEquals(2 + 3 * 2, decoder.blocks().used());
    }
  }

  @ParameterizedTest
  @EnumSource(KvLayout.Type.class)
  void aTruncationIntoASharedBlockChangesNobodysLogits(KvLayout.Type kvType) {
    try (RunningDecoder decoder = decoder(kvType);
        Sequence sequence = published(decoder, Arrays.copyOf(text, 48));
        Sequence reader = decoder.sequence()) {
      assertEquals(48, reader.adopt(text, 0));
      sequence.truncate(37);
      int[][] texts = {continued(37, 4), text};
      assertGoOn(decoder, new Sequence[] {sequence, reader}, texts, logits(kvType, texts));
    }
  }

  @ParameterizedTest
  @EnumSource(KvLayout.Type.class)
  void aBlockComputedTwiceAtTheSameTimeCanBeReplacedByTheOther(KvLayout.Type kvType) {
    try (RunningDecoder decoder = decoder(kvType);
        Sequence first = decoder.sequence();
        Sequence second = decoder.sequence()) {
      int[] prompt = Arrays.copyOf(text, 35);
      for (Sequence sequence : new Sequence[] {first, second}) {
        sequence.adopt(prompt, 0);
      }
      compute(decoder, first, prompt);
      for (int token : prompt) {
        compute(decoder, second, new int[] {token});
      }
      first.publish();
      second.publish();
      assertEquals(2 + 2, decoder.blocks().used());
      int[][] texts = {continued(35, 5), continued(35, 6)};
      assertGoOn(decoder, new Sequence[] {first, second}, texts, logits(kvType, texts));
    }
  }

  @Test
  void tokensWithoutReservedPositionsAreRefused() {
    try (RunningDecoder decoder = decoder(KvLayout.Type.F16);
        Sequence sequence = decoder.sequence()) {
      sequence.reserve(4);
      Batch batch = new Batch();
      batch.add(sequence, new int[5], 1);
      assertThrows(IllegalStateException.class, () -> decoder.forwardReserved(batch));
      assertEquals(0, sequence.length());
    }
  }

  /** Of each text the logits that a decoder gives that has computed nothing else. */
  private static float[][][] logits(KvLayout.Type kvType, int[][] texts) {
    try (RunningDecoder alone = decoder(kvType)) {
      float[][][] logits = new float[texts.length][][];
      for (int i = 0; i < texts.length; i++) {
        logits[i] = alone.logits(texts[i], texts[i].length);
      }
      return logits;
    }
  }
}
