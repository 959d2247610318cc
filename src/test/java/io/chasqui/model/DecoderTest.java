package io.chasqui.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.llama.LlamaConfig;
import com.github.tjake.jlama.model.llama.LlamaModel;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.util.JsonSupport;
import io.chasqui.UnseenText;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.Progress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class DecoderTest {
  private static final int CONTEXT = 512;
  private static final int VOCABULARY = 2048;

  @TempDir static Path directory;

  /** A decoder with all that it stands on. */
  private static final class Fixture implements AutoCloseable {
    final PackedModel model;
    final ThreadTeam team;
    final KvCache cache;
    final Decoder decoder;

    Fixture(io.chasqui.kernel.DType dtype, int threads, KvLayout.Type kvType) throws Exception {
      Path file = directory.resolve("demo-" + dtype + ".chasqui");
      if (!file.toFile().exists()) {
        ModelPacker.pack(new EmbeddedModel(), file, dtype, Progress.NONE);
      }
      model = PackedModel.open(file);
      team = new ThreadTeam(threads);
      cache =
          new KvCache(
              Decoder.kvLayout(model.config(), kvType), model.config().layers(), 8 * CONTEXT / 16);
      decoder = new Decoder(model, Kernels.best(), team, cache, CONTEXT, 256, 256);
    }

    Sequence sequence() {
      return new Sequence(cache, CONTEXT);
    }

    /** The logits after each of the tokens, computed in steps of the given length. */
    float[][] logits(int[] tokens, int step) {
      float[][] rows = new float[tokens.length][];
      try (Sequence sequence = sequence()) {
        for (int from = 0; from < tokens.length; from += step) {
          int[] part = Arrays.copyOfRange(tokens, from, Math.min(from + step, tokens.length));
          Batch batch = new Batch();
          batch.add(sequence, part, part.length);
          decoder.forward(batch);
          for (int i = 0; i < part.length; i++) {
            rows[from + i] = new float[VOCABULARY];
            decoder.copyLogits(i, rows[from + i]);
          }
        }
      }
      return rows;
    }

    @Override
    public void close() {
      decoder.close();
      cache.close();
      team.close();
      model.close();
    }
  }

  private static int[] story() {
    return new int[] {
      2045, 258, 275, 111, 32, 1149, 166, 153, 12, 500, 1700, 3, 3, 900, 41, 77, 78
    };
  }

  @Test
  void logitsAreJlamasInFloat32() throws Exception {
    float[][] theirs = jlamaLogits(story());
    try (Fixture fixture = new Fixture(io.chasqui.kernel.DType.F32, 2, KvLayout.Type.F16)) {
      float[][] ours = fixture.logits(story(), story().length);
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
      io.chasqui.kernel.DType dtype, KvLayout.Type kvType, int documents, double bound)
      throws Exception {
    double ours = 0;
    double theirs = 0;
    try (Fixture fixture = new Fixture(dtype, 2, kvType)) {
      for (UnseenText document : UnseenText.documents(documents)) {
        int[] ids = document.ids();
        float[][] rows = fixture.logits(Arrays.copyOf(ids, ids.length - 1), 256);
        for (int i = 0; i < rows.length; i++) {
          ours += UnseenText.loss(rows[i], ids[i + 1]);
        }
        theirs += document.loss();
      }
    }
    assertEquals(theirs, ours, bound * theirs);
  }

  private static float[][] jlamaLogits(int[] tokens) throws Exception {
    // Its native kernels are wrong for this model: see JlamaDecoder.
    System.setProperty("jlama.force_panama_tensor_operations", "true");
    var weights =
        SafeTensorSupport.readWeights(
            ByteBuffer.wrap(new EmbeddedModel().require("model.safetensors")));
    var config =
        JsonSupport.om.readValue(new EmbeddedModel().require("config.json"), LlamaConfig.class);
    float[][] rows = new float[tokens.length][VOCABULARY];
    try (AbstractModel jlama =
            new LlamaModel(config, weights, null, DType.F32, DType.F32, Optional.of(DType.F32));
        KvBufferCache.KvBuffer kv = new KvBufferCache(jlama).getEphemeralKvBuffer();
        AbstractTensor logits = jlama.makeDenseTensor(1, VOCABULARY)) {
      for (int i = 0; i < tokens.length; i++) {
        try (AbstractTensor hidden = jlama.batchForward(new int[] {tokens[i]}, i, kv)) {
          jlama.sample(hidden.slice(0), 0, 0, logits);
        }
        logits
            .getMemorySegment()
            .asByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer()
            .get(rows[i]);
      }
    }
    return rows;
  }

  @ParameterizedTest
  @EnumSource(io.chasqui.kernel.DType.class)
  void aTokensLogitsDependNeitherOnTheStepNorOnTheThreads(io.chasqui.kernel.DType dtype)
      throws Exception {
    float[][] expected;
    try (Fixture alone = new Fixture(dtype, 1, KvLayout.Type.F16)) {
      expected = alone.logits(story(), 1);
    }
    for (int threads : new int[] {1, 2, 3}) {
      try (Fixture fixture = new Fixture(dtype, threads, KvLayout.Type.F16)) {
        for (int step : new int[] {3, 16, 17}) {
          assertRows(expected, fixture.logits(story(), step));
        }
      }
    }
  }

  @Test
  void aSequencesLogitsDoNotDependOnTheOthersInItsBatch() throws Exception {
    try (Fixture fixture = new Fixture(io.chasqui.kernel.DType.Q8, 2, KvLayout.Type.F16)) {
      float[][] expected = fixture.logits(story(), 1);
      Random random = new Random(7);
      List<Sequence> others = new ArrayList<>();
      try (Sequence sequence = fixture.sequence()) {
        for (int i = 0; i < story().length; i++) {
          if (i % 3 == 0) {
            others.add(fixture.sequence());
          }
          Batch batch = new Batch();
          for (Sequence other : others.subList(0, others.size() / 2)) {
            batch.add(other, random.ints(1 + random.nextInt(5), 0, VOCABULARY).toArray(), 1);
          }
          int row = batch.add(sequence, new int[] {story()[i]}, 1);
          for (Sequence other : others.subList(others.size() / 2, others.size())) {
            batch.add(other, random.ints(1 + random.nextInt(5), 0, VOCABULARY).toArray(), 0);
          }
          fixture.decoder.forward(batch);
          float[] logits = new float[VOCABULARY];
          fixture.decoder.copyLogits(row, logits);
          assertArrayEquals(expected[i], logits, "token " + i);
        }
      }
      others.forEach(Sequence::close);
      assertEquals(fixture.cache.blocks(), fixture.cache.free());
    }
  }

  @Test
  void aTruncatedSequenceGoesOnAsIfTheRestHadNeverBeen() throws Exception {
    try (Fixture fixture = new Fixture(io.chasqui.kernel.DType.Q4, 2, KvLayout.Type.F16)) {
      float[][] expected = fixture.logits(story(), 1);
      try (Sequence sequence = fixture.sequence()) {
        Batch prompt = new Batch();
        prompt.add(sequence, Arrays.copyOf(story(), 5), 0);
        fixture.decoder.forward(prompt);
        Batch wrong = new Batch();
        wrong.add(sequence, new int[40], 0);
        fixture.decoder.forward(wrong);
        sequence.truncate(5);

        Batch right = new Batch();
        right.add(sequence, new int[] {story()[5]}, 1);
        fixture.decoder.forward(right);
        float[] logits = new float[VOCABULARY];
        fixture.decoder.copyLogits(0, logits);
        assertArrayEquals(expected[5], logits);
      }
    }
  }

  @Test
  void whatDoesNotFitIsRefusedBeforeAnythingIsComputed() throws Exception {
    try (Fixture fixture = new Fixture(io.chasqui.kernel.DType.Q8, 1, KvLayout.Type.F16);
        Sequence sequence = fixture.sequence()) {
      Batch tooLarge = new Batch();
      tooLarge.add(sequence, new int[257], 0);
      assertThrows(IllegalArgumentException.class, () -> fixture.decoder.forward(tooLarge));

      Batch outside = new Batch();
      outside.add(sequence, new int[] {VOCABULARY}, 0);
      assertThrows(IllegalArgumentException.class, () -> fixture.decoder.forward(outside));

      Batch half = new Batch();
      half.add(sequence, new int[256], 0);
      fixture.decoder.forward(half);
      Batch rest = new Batch();
      rest.add(sequence, new int[256], 1);
      fixture.decoder.forward(rest);
      Batch over = new Batch();
      over.add(sequence, new int[1], 1);
      assertThrows(IllegalArgumentException.class, () -> fixture.decoder.forward(over));
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
