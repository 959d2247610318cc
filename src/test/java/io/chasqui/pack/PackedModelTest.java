package io.chasqui.pack;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import io.chasqui.Programs;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.Matrix;
import io.chasqui.kernel.WeightCodec;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is packed is what was there. */
class PackedModelTest {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final EmbeddedModel DEMO = new EmbeddedModel();

  @TempDir Path directory;

  @ParameterizedTest
  @ValueSource(strings = {"pipe.chasqui", "/dev/zero", "."})
  void whatIsNoFileIsRefusedAndNotWaitedFor(String name) throws Exception {
    if (name.startsWith("pipe")) {
      Optional<Path> mkfifo = Programs.find("mkfifo");
      assumeTrue(mkfifo.isPresent(), "there is no mkfifo");
      new ProcessBuilder(mkfifo.get().toString(), directory.resolve(name).toString())
          .start()
          .waitFor();
    }
    Path path = directory.resolve(name);
    for (Executable opening :
        List.<Executable>of(
            () -> PackedModel.open(path).close(), () -> PackedModel.verify(path, Progress.NONE))) {
      var refusal =
          assertTimeoutPreemptively(
              Duration.ofSeconds(30), () -> assertThrows(ModelFormatException.class, opening));
      assertTrue(refusal.getMessage().contains("name a file that"), refusal.getMessage());
    }
  }

  @Test
  void aFileThatBecomesShorterIsNoticed() throws IOException {
    Path file = packDemo(DType.Q8);
    PackedModel model = PackedModel.open(file);
    try (model;
        var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      assertFalse(model.hasShrunk());
      model.requireWhole();

      channel.truncate(channel.size() - 1);
      assertTrue(model.hasShrunk());
      var refusal = assertThrows(ModelFormatException.class, model::requireWhole);
      assertEquals(file.getFileName().toString(), refusal.file());
    }
    assertFalse(model.hasShrunk(), "it is closed");
  }

  @Test
  void anotherFileUnderItsNameChangesNothing() throws IOException {
    Path file = packDemo(DType.Q8);
    try (PackedModel model = PackedModel.open(file)) {
      Files.move(
          Files.writeString(directory.resolve("other"), "no model"),
          file,
          StandardCopyOption.ATOMIC_MOVE);

      assertFalse(model.hasShrunk());
      model.verifyDigests(Progress.NONE);
    }
  }

  @ParameterizedTest
  @CsvSource({"rw-r--r--, ", "rw-rw-rw-, everybody", "rw-r--rw-, everybody"})
  void whoElseMayWriteIsKnown(String permissions, String who) throws IOException {
    Path file = Files.createFile(directory.resolve("file"));
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));

    assertEquals(Optional.ofNullable(who), OthersMayWrite.to(file));
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyTensorIsThatOfTheSourceWithinTheQuantizationStep(DType dtype) throws IOException {
    Path file = packDemo(dtype);

    try (PackedModel model = PackedModel.open(file);
        WeightSource source = WeightSource.open(DEMO)) {
      assertEquals(dtype, model.quantization());
      for (TensorPlan.Item item : TensorPlan.of(model.config()).items()) {
        float[] packed = values(model, item);
        int row = 0;
        for (TensorPlan.Part part : item.parts()) {
          float[] original = new float[part.rows() * Math.max(1, item.columns())];
          source.readFloats(part.name(), 0, original.length, original);
          assertClose(
              dtype, item, original, packed, row * Math.max(1, item.columns()), part.name());
          row += part.rows();
        }
        assertEquals(item.rows(), row, "no padding in the demo model");
      }
    }
  }

  /** BF16 is what the source has, so both float types keep every bit; quants are within a step. */
  private static void assertClose(
      DType dtype, TensorPlan.Item item, float[] original, float[] packed, int from, String name) {
    boolean exact = item.isVector() || !dtype.quantized();
    for (int i = 0; i < original.length; i++) {
      float step = 0;
      if (!exact) {
        float extreme = 0;
        for (int k = i / 32 * 32; k < i / 32 * 32 + 32; k++) {
          extreme = Math.max(extreme, Math.abs(original[k]));
        }
        // Half a step where rounding decides; a whole one at 4 bits' end without a +8. The scale's
        // own rounding to 11 bits moves the extreme value a little.
        step = dtype == DType.Q4 ? extreme / 8 * 1.001f : extreme / 127 * 0.51f + extreme / 2048;
      }
      if (!(Math.abs(original[i] - packed[from + i]) <= step)) {
        throw new AssertionError(
            "%s, element %d: %s became %s".formatted(name, i, original[i], packed[from + i]));
      }
    }
  }

  @Test
  void aModelIsToldByItsParametersAndTheDigestOfItsWeights() throws IOException {
    Path file = packDemo(DType.Q8);
    try (PackedModel model = PackedModel.open(file)) {
      assertEquals(4_951_296, model.parameters(), "as its card says");
      byte[] all = Files.readAllBytes(file);
      byte[] weights =
          Arrays.copyOfRange(all, (int) (all.length - model.weightBytes()), all.length);
      assertEquals(HexFormat.of().formatHex(Sha256.of(weights)), model.weightsDigest());
    }
  }

  @Test
  void theTokenizerIsThatOfTheSource() throws IOException {
    long seed = System.nanoTime();
    var texts = new RandomText(new SplittableRandom(seed));
    Tokenizer source =
        TokenizerJson.read(DEMO.require("tokenizer.json"), DEMO.read("tokenizer_config.json"));
    try (PackedModel model = PackedModel.open(packDemo(DType.Q4))) {
      for (int i = 0; i < 500; i++) {
        String text = texts.next(80);
        int[] ids = source.encode(text, true);
        assertArrayEquals(ids, model.tokenizer().encode(text, true), "seed " + seed);
        assertEquals(source.decode(ids, false), model.tokenizer().decode(ids, false));
      }
    }
  }

  @Test
  void settingsAndConfigurationAreThoseOfTheSource() throws IOException {
    try (PackedModel model = PackedModel.open(packDemo(DType.Q8))) {
      assertEquals("demo", model.name());
      assertEquals(ModelSettings.read(DEMO), model.settings());
      assertEquals(ModelConfig.read(DEMO), model.config());
      assertArrayEquals(
          DEMO.require("config.json"),
          model.configJson().getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
  }

  @Test
  void packingTwiceGivesTheSameBytes() throws IOException {
    assertEquals(-1, Files.mismatch(packDemo(DType.Q4), pack(DEMO, "again", DType.Q4)));
  }

  @Test
  void queriesKeysAndValuesAreOneMatrix() throws IOException {
    try (PackedModel model = PackedModel.open(packDemo(DType.BF16))) {
      Matrix qkv = model.matrix("model.layers.5.self_attn.qkv_proj.weight");
      assertEquals(256 + 128 + 128, qkv.rows());
      assertEquals(256, qkv.columns());
      assertEquals(0, qkv.address() % 64);
      assertEquals(256 * 4, model.vector("model.norm.weight").byteSize());
      assertThrows(IllegalArgumentException.class, () -> model.matrix("model.norm.weight"));
      assertThrows(IllegalArgumentException.class, () -> model.vector("model.embed_tokens.weight"));
      assertThrows(IllegalArgumentException.class, () -> model.matrix("lm_head.weight"));
    }
  }

  @Test
  void aTensorOfAClosedModelIsNotReadable() throws IOException {
    PackedModel model = PackedModel.open(packDemo(DType.Q4));
    var norm = model.vector("model.norm.weight");
    model.close();
    assertThrows(IllegalStateException.class, () -> norm.get(FLOAT, 0));
  }

  @ParameterizedTest
  @EnumSource(
      value = com.github.tjake.jlama.safetensors.DType.class,
      names = {"Q4", "I8"})
  void jlamasQuantsAreKept(com.github.tjake.jlama.safetensors.DType jlama) throws IOException {
    ModelDirectory quantized = jlamaModel(jlama);
    DType dtype = ModelPacker.defaultQuantization(quantized);
    assertEquals(jlama.name().equals("Q4") ? DType.Q4 : DType.Q8, dtype);

    Path file = pack(quantized, "jlama", dtype);

    try (PackedModel model = PackedModel.open(file);
        WeightSource source = WeightSource.open(quantized)) {
      for (TensorPlan.Item item : TensorPlan.of(model.config()).items()) {
        if (!item.isVector()) {
          assertSameQuants(model, source, item);
        }
      }
    }
    PackedModel.verify(file, Progress.NONE);
  }

  /** Scales lose what float16 lacks, and nothing else changes. */
  private static void assertSameQuants(PackedModel model, WeightSource source, TensorPlan.Item item)
      throws IOException {
    float[] packed = values(model, item);
    int i = 0;
    for (TensorPlan.Part part : item.parts()) {
      int count = part.rows() * item.columns();
      byte[] quants = new byte[count];
      float[] scales = new float[count / 32];
      source.readQuants(part.name(), 0, count, quants, scales);
      for (int k = 0; k < count; k++) {
        float scale = Float.float16ToFloat(Float.floatToFloat16(scales[k / 32]));
        assertEquals(quants[k] * scale + 0f, packed[i] + 0f, part.name());
        i++;
      }
    }
    assertEquals(packed.length, i);
  }

  @Test
  void jlamasFourBitsCanBecomeOtherTypes() throws IOException {
    ModelDirectory quantized = jlamaModel(com.github.tjake.jlama.safetensors.DType.Q4);
    try (PackedModel model = PackedModel.open(pack(quantized, "f32", DType.F32));
        WeightSource source = WeightSource.open(quantized)) {
      String name = "model.layers.3.mlp.down_proj.weight";
      float[] original = new float[256 * 704];
      source.readFloats(name, 0, original.length, original);
      assertArrayEquals(original, values(model.matrix(name)));
    }
  }

  @Test
  void aWriteThatFailsLeavesNothingBehind() throws IOException {
    Path target = directory.resolve("demo.chasqui");
    var interrupting =
        new TestProgress() {
          @Override
          public void advance(long bytes) {
            // A channel that is written by an interrupted thread fails.
            Thread.currentThread().interrupt();
          }
        };

    assertThrows(IOException.class, () -> ModelPacker.pack(DEMO, target, DType.Q8, interrupting));

    assertTrue(Thread.interrupted());
    assertEquals(List.of(), filesIn(directory));
  }

  @Test
  void aSourceThatEndsTooSoonLeavesWhatWasThere() throws IOException {
    ModelDirectory copy = demoDirectory();
    Path weights = copy.directory().resolve(SafetensorsFiles.SINGLE);
    Path out = Files.createDirectory(directory.resolve("out"));
    Path target = Files.writeString(out.resolve("demo.chasqui"), "what was there");
    var truncating =
        new TestProgress() {
          @Override
          public void advance(long bytes) {
            try (var file = new RandomAccessFile(weights.toFile(), "rw")) {
              file.setLength(1_000_000);
            } catch (IOException e) {
              throw new AssertionError(e);
            }
          }
        };

    ModelFormatException failure =
        assertThrows(
            ModelFormatException.class, () -> ModelPacker.pack(copy, target, DType.Q8, truncating));

    assertTrue(failure.getMessage().contains("became shorter"), failure.getMessage());
    assertEquals(List.of(target), filesIn(out));
    assertEquals("what was there", Files.readString(target));
  }

  @Test
  void aTargetThatCannotBeAFileIsRefused() {
    assertThrows(
        IllegalArgumentException.class,
        () -> ModelPacker.pack(DEMO, directory, DType.Q8, Progress.NONE));
    assertThrows(
        IllegalArgumentException.class,
        () ->
            ModelPacker.pack(
                DEMO, directory.resolve("none").resolve("x"), DType.Q8, Progress.NONE));
  }

  /** The largest matrices known, Llama 3.1 405B's: its rows have 53,248 columns. */
  @Test
  void memoryDoesNotGrowWithTheModel() {
    for (int columns : new int[] {32, 256, 4096, 14_336, 53_248, 1 << 18}) {
      long group = 16L * columns * Float.BYTES;
      long floats = ModelPacker.batchGroups(columns) * group;
      assertTrue(floats <= Math.max(4 << 20, group), columns + " columns");
    }
    assertTrue(16L * (1 << 18) * Float.BYTES <= 16 << 20);
  }

  @Test
  void theProgressEndsWithAllBytes() throws IOException {
    var progress = new TestProgress();

    ModelPacker.pack(DEMO, directory.resolve("demo.chasqui"), DType.Q8, progress);

    assertTrue(progress.total > 5_000_000);
    // What is between the tensors to align them is not counted.
    assertTrue(progress.present <= progress.total && progress.present > progress.total - 5000);
    assertTrue(progress.done);
  }

  @Test
  void aFamilyThatIsNotKnownIsNamed() throws IOException {
    ModelDirectory copy = demoDirectory();
    Path config = copy.directory().resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"llama\"", "\"gemma3\""));

    ModelFormatException refusal =
        assertThrows(ModelFormatException.class, () -> ModelConfig.read(copy));
    assertTrue(refusal.getMessage().contains("\"gemma3\""), refusal.getMessage());
  }

  @Test
  void aTensorOfAnotherShapeThanTheConfigurationSaysIsRefused() throws IOException {
    ModelDirectory copy = demoDirectory();
    Path config = copy.directory().resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("704", "736"));

    ModelFormatException refusal =
        assertThrows(
            ModelFormatException.class,
            () -> ModelPacker.pack(copy, directory.resolve("x.chasqui"), DType.Q8, Progress.NONE));
    assertEquals("model.layers.0.mlp.gate_proj.weight", refusal.section());
    assertFalse(Files.exists(directory.resolve("x.chasqui")));
  }

  @Test
  void biasesAreFusedAsTheRowsAre() throws IOException {
    long seed = System.nanoTime();
    Path model = TinyModels.qwen2(Files.createDirectory(directory.resolve("tiny")), seed);
    var files = new ModelDirectory("tiny", model);

    Path file = pack(files, "tiny", DType.F32);

    PackedModel.verify(file, Progress.NONE);
    try (PackedModel packed = PackedModel.open(file);
        WeightSource source = WeightSource.open(files)) {
      String layer = "model.layers.1.self_attn.";
      int head = TinyModels.HEAD_SIZE;
      float[] bias = packed.vector(layer + "qkv_proj.bias").toArray(FLOAT);
      float[] rows = values(packed.matrix(layer + "qkv_proj.weight"));
      // 4 query heads, then one head of keys and one of values.
      int[] begins = {0, 4 * head, 5 * head};
      String[] names = {"q_proj", "k_proj", "v_proj"};
      assertEquals(6 * head, bias.length);
      for (int i = 0; i < 3; i++) {
        int width = i == 0 ? 4 * head : head;
        float[] expected = new float[width];
        source.readFloats(layer + names[i] + ".bias", 0, width, expected);
        float[] weights = new float[width * 32];
        source.readFloats(layer + names[i] + ".weight", 0, weights.length, weights);
        for (int row = 0; row < width; row++) {
          String what = names[i] + ", row " + row + ", seed " + seed;
          assertEquals(expected[row], bias[begins[i] + row], what);
          for (int column = 0; column < 32; column++) {
            assertEquals(weights[row * 32 + column], rows[(begins[i] + row) * 32 + column], what);
          }
        }
      }
      assertEquals(TinyModels.VOCABULARY, packed.matrix("lm_head.weight").rows());
      assertEquals(OptionalInt.empty(), packed.config().slidingWindow());
    }
  }

  @Test
  void aWeightThatIsNotANumberIsNamed() throws IOException {
    ModelDirectory copy = demoDirectory();
    SafetensorsHeader header =
        SafetensorsHeader.read(copy.directory().resolve(SafetensorsFiles.SINGLE));
    String name = "model.layers.2.mlp.up_proj.weight";
    try (var file =
        new RandomAccessFile(copy.directory().resolve(SafetensorsFiles.SINGLE).toFile(), "rw")) {
      file.seek(header.dataOffset() + header.tensors().get(name).begin() + 100);
      file.write(new byte[] {(byte) 0xC0, 0x7F});
    }

    ModelFormatException refusal =
        assertThrows(
            ModelFormatException.class,
            () -> ModelPacker.pack(copy, directory.resolve("x"), DType.Q8, Progress.NONE));
    assertEquals(name, refusal.section());
  }

  private Path packDemo(DType dtype) throws IOException {
    return pack(DEMO, "demo-" + dtype, dtype);
  }

  private Path pack(ModelFiles model, String name, DType dtype) throws IOException {
    Path file = directory.resolve(name + ".chasqui");
    ModelPacker.pack(model, file, dtype, Progress.NONE);
    return file;
  }

  private ModelDirectory demoDirectory() throws IOException {
    Path copy = Files.createDirectory(directory.resolve("demo"));
    for (String file :
        List.of(
            "config.json", "tokenizer.json", "tokenizer_config.json", SafetensorsFiles.SINGLE)) {
      Files.write(copy.resolve(file), DEMO.require(file));
    }
    return new ModelDirectory("demo", copy);
  }

  private ModelDirectory jlamaModel(com.github.tjake.jlama.safetensors.DType dtype)
      throws IOException {
    Path demo = demoDirectory().directory();
    Files.writeString(demo.resolve("README.md"), "demo\n");
    Path quantized =
        SafeTensorSupport.quantizeModel(demo, dtype, new String[] {"norm"}, null, Optional.empty());
    return new ModelDirectory("demo", quantized);
  }

  private static float[] values(PackedModel model, TensorPlan.Item item) {
    return item.isVector()
        ? model.vector(item.name()).toArray(FLOAT)
        : values(model.matrix(item.name()));
  }

  /** All rows, row-major, without those that pad the last group. */
  private static float[] values(Matrix matrix) {
    int columns = matrix.columns();
    float[] values = new float[matrix.rows() * columns];
    float[] group = new float[16 * columns];
    long groupBytes = matrix.dtype().groupBytes(columns);
    for (int row = 0; row < matrix.rows(); row += 16) {
      WeightCodec.decode(
          matrix.dtype(), matrix.data().asSlice(row / 16 * groupBytes, groupBytes), columns, group);
      int count = Math.min(16, matrix.rows() - row) * columns;
      System.arraycopy(group, 0, values, row * columns, count);
    }
    return values;
  }

  private static List<Path> filesIn(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private static class TestProgress implements Progress {
    long total;
    long present;
    boolean done;

    @Override
    public void start(String what, long totalBytes, long presentBytes) {
      total = totalBytes;
      present = presentBytes;
    }

    @Override
    public void advance(long bytes) {
      present += bytes;
    }

    @Override
    public void done() {
      done = true;
    }
  }
}
