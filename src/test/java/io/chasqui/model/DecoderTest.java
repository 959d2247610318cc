package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.DemoFiles;
import io.chasqui.UnseenText;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DecoderTest {
  private static final int CONTEXT = 512;
  private static final int STEP = 256;
  private static final int VOCABULARY = 2048;

  @TempDir static Path directory;

  /** A decoder on the demo model in the given type, packed when it is first asked for. */
  private static RunningDecoder decoder(DType dtype, int threads, KvLayout.Type kvType)
      throws IOException {
    Path file = directory.resolve("demo-" + dtype + ".chasqui");
    if (!Files.exists(file)) {
      ModelPacker.pack(new EmbeddedModel(), file, dtype, Progress.NONE);
    }
    return new RunningDecoder(file, threads, kvType, CONTEXT, STEP, 8);
  }

  private static int[] story() {
    return new int[] {
      2045, 258, 275, 111, 32, 1149, 166, 153, 12, 500, 1700, 3, 3, 900, 41, 77, 78
    };
  }

  @Test
  void logitsAreJlamasInFloat32() throws Exception {
    Path source = DemoFiles.copyTo(directory.resolve("demo")).directory();
    float[][] theirs = JlamaLogits.of(source, story());
    try (RunningDecoder decoder = decoder(DType.F32, 2, KvLayout.Type.F16)) {
      float[][] ours = decoder.logits(story(), story().length);
      for (int i = 0; i < theirs.length; i++) {
        for (int v = 0; v < VOCABULARY; v++) {
          assertEquals(theirs[i][v], ours[i][v], 0.01, "token " + i + ", logit " + v);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32, F16, 60, 0.0001",
    "BF16, F16, 60, 0.0001",
    "Q8, F16, 400, 0.002",
    "Q8, I8, 400, 0.002",
    "Q4, F16, 400, 0.015"
  })
  void theLossOnUnseenTextIsThatOfTheModelCard(
      DType dtype, KvLayout.Type kvType, int documents, double bound) throws Exception {
    double ours = 0;
    double theirs = 0;
    try (RunningDecoder decoder = decoder(dtype, 2, kvType)) {
      for (UnseenText document : UnseenText.documents(documents)) {
        int[] ids = document.ids();
        float[][] rows = decoder.logits(Arrays.copyOf(ids, ids.length - 1), 256);
        for (int i = 0; i < rows.length; i++) {
          ours += UnseenText.loss(rows[i], ids[i + 1]);
        }
        theirs += document.loss();
      }
    }
    assertEquals(theirs, ours, bound * theirs);
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void aTokensLogitsDependNeitherOnTheStepNorOnTheThreads(DType dtype) throws Exception {
    float[][] expected;
    try (RunningDecoder alone = decoder(dtype, 1, KvLayout.Type.F16)) {
      expected = alone.logits(story(), 1);
    }
    for (int threads : new int[] {1, 2, 3}) {
      try (RunningDecoder decoder = decoder(dtype, threads, KvLayout.Type.F16)) {
        for (int step : new int[] {3, 16, 17}) {
          assertRows(expected, decoder.logits(story(), step));
        }
      }
    }
  }

  @Test
  void aSequencesLogitsDoNotDependOnTheOthersInItsBatch() throws Exception {
    try (RunningDecoder decoder = decoder(DType.Q8, 2, KvLayout.Type.F16)) {
      float[][] expected = decoder.logits(story(), 1);
      Random random = new Random(7);
      List<Sequence> others = new ArrayList<>();
      try (Sequence sequence = decoder.sequence()) {
        for (int i = 0; i < story().length; i++) {
          if (i % 3 == 0) {
            others.add(decoder.sequence());
          }
          Batch batch = new Batch();
          for (Sequence other : others.subList(0, others.size() / 2)) {
            batch.add(other, random.ints(1 + random.nextInt(5), 0, VOCABULARY).toArray(), 1);
          }
          int row = batch.add(sequence, new int[] {story()[i]}, 1);
          for (Sequence other : others.subList(others.size() / 2, others.size())) {
            batch.add(other, random.ints(1 + random.nextInt(5), 0, VOCABULARY).toArray(), 0);
          }
          decoder.forward(batch);
          assertArrayEquals(expected[i], decoder.row(row), "token " + i);
        }
      }
      others.forEach(Sequence::close);
      assertEquals(decoder.blocks().blocks(), decoder.blocks().free());
    }
  }

  @Test
  void aTruncatedSequenceGoesOnAsIfTheRestHadNeverBeen() throws Exception {
    try (RunningDecoder decoder = decoder(DType.Q4, 2, KvLayout.Type.F16)) {
      float[][] expected = decoder.logits(story(), 1);
      try (Sequence sequence = decoder.sequence()) {
        Batch prompt = new Batch();
        prompt.add(sequence, Arrays.copyOf(story(), 5), 0);
        decoder.forward(prompt);
        Batch wrong = new Batch();
        wrong.add(sequence, new int[40], 0);
        decoder.forward(wrong);
        sequence.truncate(5);

        Batch right = new Batch();
        right.add(sequence, new int[] {story()[5]}, 1);
        decoder.forward(right);
        assertArrayEquals(expected[5], decoder.row(0));
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnythingIsComputed() throws Exception {
    try (RunningDecoder decoder = decoder(DType.Q8, 1, KvLayout.Type.F16);
        Sequence sequence = decoder.sequence()) {
      Batch tooLarge = new Batch();
      tooLarge.add(sequence, new int[257], 0);
      assertThrows(IllegalArgumentException.class, () -> decoder.forward(tooLarge));

      Batch outside = new Batch();
      outside.add(sequence, new int[] {VOCABULARY}, 0);
      assertThrows(IllegalArgumentException.class, () -> decoder.forward(outside));

      Batch half = new Batch();
      half.add(sequence, new int[256], 0);
      decoder.forward(half);
      Batch rest = new Batch();
      rest.add(sequence, new int[256], 1);
      decoder.forward(rest);
      Batch over = new Batch();
      over.add(sequence, new int[1], 1);
      assertThrows(IllegalArgumentException.class, () -> decoder.forward(over));
      assertEquals(512, sequence.length());
    }
  }

  private static void assertRows(float[][] expected, float[][] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < expected.length; i++) {
      assertArrayEquals(expected[i], actual[i], "token " + i);
      assertTrue(Float.isFinite(actual[i][0]));
    }
  }
}
