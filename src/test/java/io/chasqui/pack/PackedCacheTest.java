package io.chasqui.pack;

import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import io.chasqui.DemoFiles;
import io.chasqui.LogLines;
import io.chasqui.kernel.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.logging.Level;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackedCacheTest {
  private static final long SEED = 7;

  @TempDir Path directory;

  private final List<String> packings = new ArrayList<>();
  private final LogLines log = new LogLines(PackedCache.class);

  private Path packed;
  private PackedCache cache;
  private ModelDirectory model;

  @BeforeEach
  void prepare() throws IOException {
    packed = directory.resolve("cache/packed");
    cache = new PackedCache(directory.resolve("cache"), new Recorder());
    model = tiny("tiny");
  }

  @AfterEach
  void close() {
    log.close();
  }

  @Test
  void aDirectoryIsPackedOnceAndThenServedFromItsFile() throws IOException {
    open();
    Path file = onlyFile();
    Object first = Files.readAttributes(file, "unix:ino,lastModifiedTime");

    open();

    assertEquals(List.of("packing tiny"), packings);
    assertEquals(first, Files.readAttributes(file, "unix:ino,lastModifiedTime"));
    assertTrue(file.getFileName().toString().startsWith("tiny-"), file.toString());
    PackedModel.verify(file, Progress.NONE);
    assertEquals(
        List.of(
            "Packing tiny as Q8, because it is not yet packed, into " + file,
            "Comparing " + file + " with its digests, once until it changes",
            "Model tiny runs from " + file,
            "Model tiny runs from " + file),
        log.at(Level.INFO));
  }

  @Test
  void whatIsPackedIsWhatThePackerWrites() throws IOException {
    open();

    Path expected = directory.resolve("expected.chasqui");
    ModelPacker.pack(model, expected, DType.Q8, Progress.NONE);
    assertEquals(-1, Files.mismatch(expected, onlyFile()));
  }

  @Test
  void aDirectoryThatChangedIsPackedAgainAndItsOldFileDeleted() throws IOException {
    open();
    Set<Path> seen = new HashSet<>(files());

    DemoFiles.edit(model, "config.json", "\"max_position_embeddings\": 128", "$0 ");
    assertIsPackedAnew(seen);
    Path weights = model.directory().resolve(SafetensorsFiles.SINGLE);
    Files.setLastModifiedTime(weights, FileTime.from(Instant.EPOCH));
    assertIsPackedAnew(seen);
    Files.writeString(model.directory().resolve("chat_template.jinja"), "{{ messages }}");
    assertIsPackedAnew(seen);

    assertTrue(log.at(Level.INFO).getLast().contains("runs from " + onlyFile()));
    String reason = "because its files changed";
    assertEquals(3, log.at(Level.INFO).stream().filter(line -> line.contains(reason)).count());
  }

  private void assertIsPackedAnew(Set<Path> seen) throws IOException {
    open();
    assertTrue(seen.add(onlyFile()), "the file of another state was used");
  }

  @Test
  void whatIsNoPartOfTheModelDoesNotCount() throws IOException {
    open();

    Files.writeString(model.directory().resolve("README.md"), "news");
    open();

    assertEquals(List.of("packing tiny"), packings);
  }

  @Test
  void directoriesOfOneNameAreKeptApart() throws IOException {
    ModelDirectory other = tiny("elsewhere/tiny");

    open();
    cache.open(other).close();
    open();

    assertEquals(2, files().size());
    assertEquals(2, packings.size());
  }

  @Test
  void aDirectoryIsTheSameThroughALink() throws IOException {
    Path link = directory.resolve("link");
    Files.createSymbolicLink(link, model.directory());

    open();
    cache.open(new ModelDirectory("tiny", link)).close();

    assertEquals(List.of("packing tiny"), packings);
  }

  @Test
  void aBrokenFileIsPackedAgain() throws IOException {
    open();
    Path file = onlyFile();
    byte[] good = Files.readAllBytes(file);
    Files.writeString(file, "no model");

    open();

    assertEquals(Optional.of("packing tiny"), packings.stream().skip(1).findFirst());
    assertEquals(-1, Files.mismatch(file, Files.write(directory.resolve("good"), good)));
    String line = log.at(Level.INFO).get(3);
    assertTrue(line.contains("because its packed file is broken"), line);
    assertTrue(line.contains("too few for a packed model"), line);
  }

  @Test
  void aFileWhoseWeightsWereZeroedIsPackedAgain() throws IOException {
    open();
    Path file = onlyFile();
    byte[] good = Files.readAllBytes(file);
    byte[] zeroed = good.clone();
    Arrays.fill(zeroed, zeroed.length - 10_000, zeroed.length, (byte) 0);
    Files.write(file, zeroed);

    open();

    assertEquals(List.of("packing tiny", "packing tiny"), packings);
    assertArrayEquals(good, Files.readAllBytes(onlyFile()));
    String lines = log.at(Level.INFO).toString();
    assertTrue(lines.contains("because its packed file is broken"), lines);
    assertTrue(lines.contains("weights, at byte"), lines);
  }

  @Test
  void aFileIsComparedWithItsDigestsOnceUntilItChanges() throws IOException {
    open();
    open();
    assertEquals(1, comparisons());

    Files.setLastModifiedTime(onlyFile(), FileTime.from(Instant.EPOCH));
    open();
    open();
    assertEquals(2, comparisons());

    // As an earlier version left it.
    Files.delete(VerifiedMark.noteOf(onlyFile()));
    open();
    open();
    assertEquals(3, comparisons());
    assertEquals(List.of("packing tiny"), packings);
  }

  private long comparisons() {
    return log.at(Level.INFO).stream().filter(line -> line.startsWith("Comparing ")).count();
  }

  @Test
  void aNoteGoesWithItsFile() throws IOException {
    open();
    Files.writeString(model.directory().resolve("chat_template.jinja"), "{{ messages }}");
    open();

    try (Stream<Path> all = Files.list(packed)) {
      assertEquals(Set.of(onlyFile(), VerifiedMark.noteOf(onlyFile())), all.collect(toSet()));
    }
  }

  @Test
  void aNameBecomesAFileName() throws IOException {
    cache.open(new ModelDirectory("acme/a name: 'ü'", model.directory())).close();
    cache.open(new ModelDirectory("x".repeat(1000), model.directory())).close();

    List<String> names =
        files().stream().map(file -> file.getFileName().toString()).sorted().toList();
    assertTrue(names.getFirst().startsWith("acme--a_name__"), names.toString());
    assertTrue(names.getFirst().matches("[A-Za-z0-9._-]+"), names.toString());
    assertTrue(names.getLast().length() < 150, names.toString());
  }

  @Test
  void jlamasFourBitsStayFourBits() throws IOException {
    Path source = DemoFiles.copyTo(directory.resolve("demo")).directory();
    // Jlama writes a header to it.
    Files.writeString(source.resolve("README.md"), "demo\n");
    Path quantized =
        SafeTensorSupport.quantizeModel(
            source,
            com.github.tjake.jlama.safetensors.DType.Q4,
            new String[] {"norm"},
            null,
            Optional.of(directory.resolve("demo-q4")));

    try (PackedModel demo = cache.open(new ModelDirectory("demo-q4", quantized))) {
      assertEquals(DType.Q4, demo.quantization());
    }
  }

  @Test
  void manyAtOnceLeaveOneFile() throws Exception {
    List<Callable<String>> openings = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      openings.add(() -> {
        var own = new PackedCache(directory.resolve("cache"), Progress.NONE);
        try (PackedModel opened = own.open(model)) {
          return opened.name();
        }
      });
    }
    try (var threads = Executors.newFixedThreadPool(openings.size())) {
      for (var opening : threads.invokeAll(openings)) {
        assertEquals("tiny", opening.get());
      }
    }

    PackedModel.verify(onlyFile(), Progress.NONE);
  }

  @Test
  void whatAKilledAttemptLeftIsDeletedWhenNobodyWritesToIt() throws IOException {
    open();
    String name = onlyFile().getFileName().toString();
    Path abandoned = Files.createFile(packed.resolve("." + name + ".1.incomplete"));
    Files.setLastModifiedTime(abandoned, FileTime.from(Instant.now().minusSeconds(3600)));
    Path written = Files.createFile(packed.resolve("." + name + ".2.incomplete"));
    Files.delete(onlyFile());

    open();

    assertFalse(Files.exists(abandoned));
    assertTrue(Files.exists(written));
  }

  @Test
  void aFamilyThatTheDecoderLacksIsNotPacked() throws IOException {
    DemoFiles.edit(model, "config.json", "\"qwen2\"", "\"rwkv\"");

    var refusal = assertThrows(UnknownFamilyException.class, () -> cache.open(model));

    assertTrue(refusal.getMessage().contains("\"rwkv\""), refusal.getMessage());
    assertFalse(Files.exists(packed));
  }

  @Test
  void aBrokenModelIsAnErrorAndLeavesNothing() throws IOException {
    DemoFiles.edit(model, "config.json", "\"hidden_size\": 32", "\"hidden_size\": 64");

    var refusal = assertThrows(ModelFormatException.class, () -> cache.open(model));

    assertNotEquals(UnknownFamilyException.class, refusal.getClass());
    assertFalse(Files.exists(packed));
  }

  @Test
  void aCacheThatCannotBeWrittenIsAnIoException() throws IOException {
    Files.writeString(directory.resolve("cache"), "a file where the cache should be");

    assertThrows(IOException.class, () -> cache.open(model));
  }

  @Test
  void theEnvironmentNamesTheCache() throws IOException {
    Map<String, String> environment = Map.of("XDG_CACHE_HOME", directory.toString());

    PackedCache.fromEnvironment(environment, Progress.NONE).open(model).close();

    try (Stream<Path> files = Files.list(directory.resolve("chasqui/packed"))) {
      assertEquals(1, files.filter(file -> file.toString().endsWith(PackedModel.SUFFIX)).count());
    }
  }

  private ModelDirectory tiny(String path) throws IOException {
    Path place = Files.createDirectories(directory.resolve(path));
    return new ModelDirectory("tiny", TinyModels.qwen2(place, SEED));
  }

  private void open() throws IOException {
    try (PackedModel opened = cache.open(model)) {
      assertEquals("tiny", opened.name());
    }
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(packed)) {
      return files.filter(file -> file.toString().endsWith(PackedModel.SUFFIX)).toList();
    }
  }

  private Path onlyFile() throws IOException {
    assertEquals(1, files().size(), files().toString());
    return files().getFirst();
  }

  private final class Recorder implements Progress {
    @Override
    public void start(String what, long totalBytes, long presentBytes) {
      packings.add(what);
    }

    @Override
    public void advance(long bytes) {}

    @Override
    public void done() {}
  }
}
