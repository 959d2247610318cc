package io.chasqui.model;

import static io.chasqui.kernel.KvLayout.BLOCK_POSITIONS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Kernels;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.ModelDirectory;
import io.chasqui.pack.ModelPacker;
import io.chasqui.pack.PackedModel;
import io.chasqui.pack.PackedPrefix;
import io.chasqui.pack.PrefixWriter;
import io.chasqui.pack.Progress;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A text that begins with a prefix of the model goes on as if all of it had been computed. */
class PackedPrefixTest {
  private static final int PREFIX = 48;

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource
  void theLogitsAfterAPrefixAreThoseWithoutItToTheBit(TinyFamily family) throws Exception {
    family.write(directory, TinyFamily.Stored.F32);
    Path file = directory.resolve("tiny.chasqui");
    ModelPacker.pack(new ModelDirectory("tiny", directory), file, DType.Q8, Progress.NONE);
    int[] text = family.prompt(70);
    addPrefixes(file, Arrays.copyOf(text, PREFIX));

    for (KvLayout.Type type : KvLayout.Type.values()) {
      try (RunningDecoder decoder = new RunningDecoder(file, 2, type)) {
        float[][] expected = decoder.logits(text, 9);
        for (int length : new int[] {70, PREFIX + 1, PREFIX, 33, 17, 16}) {
          assertGoesOn(decoder, Arrays.copyOf(text, length), expected);
        }
      }
    }
  }

  /** Each time with another salt, so that the prefix cache has nothing. */
  private static void assertGoesOn(RunningDecoder decoder, int[] text, float[][] expected) {
    try (Sequence sequence = decoder.sequence()) {
      int most = Math.min(PREFIX, (text.length - 1) / BLOCK_POSITIONS * BLOCK_POSITIONS);
      assertEquals(most, sequence.adopt(text, text.length));
      Batch batch = new Batch();
      int rest = text.length - most;
      batch.add(sequence, Arrays.copyOfRange(text, most, text.length), rest);
      decoder.forward(batch);
      for (int i = 0; i < rest; i++) {
        assertArrayEquals(expected[most + i], decoder.row(i), "position " + (most + i));
      }
    }
  }

  @Test
  void aTextThatLeavesThePrefixHasWhatIsBefore() throws Exception {
    Path file = demo();
    int[] prefix = IntStream.range(100, 100 + PREFIX).toArray();
    addPrefixes(file, prefix);
    int[] text = Arrays.copyOf(prefix, 60);
    text[PREFIX - 1]++;
    try (RunningDecoder decoder = new RunningDecoder(file, 2, KvLayout.Type.F16)) {
      float[][] expected = decoder.logits(text, 60);
      try (Sequence sequence = decoder.sequence()) {
        assertEquals(32, sequence.adopt(text, 0));
        Batch batch = new Batch();
        batch.add(sequence, Arrays.copyOfRange(text, 32, 60), 28);
        decoder.forward(batch);
        assertArrayEquals(expected[59], decoder.row(27));
      }
    }
  }

  /** A short arena, and one in which others are at work. */
  @Test
  void asMuchOfAPrefixIsTakenAsThereAreBlocksFor() throws Exception {
    Path file = demo();
    int[] prefix = IntStream.range(0, 80).toArray();
    addPrefixes(file, prefix);
    try (RunningDecoder decoder =
        new RunningDecoder(file, 2, KvLayout.Type.F16, PREFIX, PREFIX, 1)) {
      int[] text = Arrays.copyOf(prefix, PREFIX);
      try (Sequence other = decoder.sequence();
          Sequence sequence = decoder.sequence()) {
        other.reserve(32);
        assertEquals(16, sequence.adopt(text, 0));
        assertEquals(3, decoder.blocks().used());
        other.close();
        sequence.reserve(PREFIX - 16);
      }
      assertEquals(0, decoder.blocks().used());
      assertEquals(1, decoder.blocks().cached());
    }
  }

  @Test
  void anEvictedPrefixIsThereAgain() throws Exception {
    Path file = demo();
    int[] prefix = IntStream.range(0, PREFIX).toArray();
    addPrefixes(file, prefix);
    try (RunningDecoder decoder =
        new RunningDecoder(file, 2, KvLayout.Type.F16, RunningDecoder.CONTEXT, 64, 1)) {
      int[] text = Arrays.copyOf(prefix, 50);
      for (int round = 0; round < 3; round++) {
        try (Sequence sequence = decoder.sequence()) {
          assertEquals(PREFIX, sequence.adopt(text, 0));
        }
        assertEquals(3, decoder.blocks().cached());
        try (Sequence everything = decoder.sequence()) {
          everything.reserve(RunningDecoder.CONTEXT);
          assertEquals(0, decoder.blocks().cached());
        }
      }
    }
  }

  /** See {@code PackHeader.VERSION}: files that were packed before must not tell other tokens. */
  @ParameterizedTest
  @CsvSource({
    "F16, ed417e791db03a8dce638334a26a2a506bf387b83f3570a5589257dee03ba312",
    "I8, 18fe867f32efbeab759f7888bcb8fb65e03cde230e968f2a193665eeea923de5"
  })
  void theBitsAreThoseOfAllProgramsThatReadThisVersionOfTheFormat(KvLayout.Type type, String sha256)
      throws Exception {
    try (PackedModel model = PackedModel.open(demo());
        NativeMemory memory = new NativeMemory()) {
      int[] tokens = IntStream.range(0, 160).map(i -> i * 7).toArray();
      for (int threads : new int[] {1, 3}) {
        PackedPrefix prefix = compute(model, tokens, type, threads, memory);
        byte[] digest =
            MessageDigest.getInstance("SHA-256").digest(prefix.blocks().toArray(JAVA_BYTE));
        assertEquals(
            sha256,
            HexFormat.of().formatHex(digest),
            "If these bits have a reason to be others, raise PackHeader.VERSION, so that prefixes"
                + " are packed again");
      }
    }
  }

  @Test
  void aPrefixOfAnotherTypeIsRefused() {
    var prefix = new PackedPrefix(new int[16], KvLayout.Type.I8, MemorySegment.NULL);
    try (KvCache cache = new KvCache(new KvLayout(KvLayout.Type.F16, 1, 16), 1, 1)) {
      assertThrows(IllegalArgumentException.class, () -> new KvBlocks(cache, List.of(prefix)));
    }
  }

  private Path demo() throws Exception {
    Path file = directory.resolve("demo.chasqui");
    if (!Files.exists(file)) {
      ModelPacker.pack(new EmbeddedModel(), file, DType.Q8, Progress.NONE);
    }
    return file;
  }

  /** Of both types, computed with another number of threads than they are used with. */
  private static void addPrefixes(Path file, int[] tokens) throws Exception {
    try (NativeMemory memory = new NativeMemory()) {
      List<PackedPrefix> prefixes;
      try (PackedModel model = PackedModel.open(file)) {
        prefixes =
            Arrays.stream(KvLayout.Type.values())
                .map(type -> compute(model, tokens, type, 3, memory))
                .toList();
      }
      PrefixWriter.write(file, prefixes, file, Progress.NONE);
    }
    PackedModel.verify(file, Progress.NONE);
  }

  private static PackedPrefix compute(
      PackedModel model, int[] tokens, KvLayout.Type type, int threads, NativeMemory memory) {
    try (ThreadTeam team = new ThreadTeam(threads)) {
      return PrefixComputer.compute(model, Kernels.best(), team, tokens, type, memory);
    }
  }
}
