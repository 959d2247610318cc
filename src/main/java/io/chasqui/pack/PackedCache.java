package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.chasqui.kernel.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger.Level;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Packed copies of models that lie in directories, each made when the model is first asked for.
 *
 * <p>The cache holds {@code packed/NAME-PLACE-STATE.chasqui}. {@code PLACE} is a digest of the
 * directory's real path, {@code STATE} one of the format's version and the name, size and time of
 * each of the model's files, which decide the quantization. When a directory changes, its copy gets
 * another name, and the one before it is deleted; who has that mapped keeps it. Several processes
 * may use a cache at the same time: each copy appears when it is complete, and all that are made of
 * one state are equal.
 *
 * <p>Beside a copy whose digests were right lies its {@link VerifiedMark}. A copy without, or one
 * that was written to since, is read whole before it is served.
 */
public final class PackedCache {
  private static final System.Logger LOG = System.getLogger(PackedCache.class.getName());

  /** Nobody goes on with a file that was last written to so long ago. */
  private static final Duration ABANDONED = Duration.ofMinutes(10);

  private static final int MAX_NAME = 100;

  private final Path directory;
  private final Progress progress;

  /**
   * A cache.
   *
   * @param cache the directory that holds {@code packed}; made when something is packed
   */
  public PackedCache(Path cache, Progress progress) {
    this.directory = cache.toAbsolutePath().resolve("packed");
    this.progress = progress;
  }

  /** The cache that {@code XDG_CACHE_HOME} names, where downloads are kept too. */
  public static PackedCache fromEnvironment(Map<String, String> environment, Progress progress) {
    return new PackedCache(new Environment(environment).cache(), progress);
  }

  /**
   * Opens a model's packed copy, which is made if there is none, or one of other files, or a broken
   * one. The log says what is done.
   *
   * @throws UnknownFamilyException if our own decoder does not know the model's family
   * @throws ModelFormatException if the model is malformed
   * @throws IOException if the cache cannot be written, or the model not be read
   */
  public PackedModel open(ModelDirectory model) throws IOException {
    String place = fileName(model.name()) + "-" + digest(model.directory().toRealPath(), 4);
    String state = digest(state(model), 8);
    Path file = directory.resolve(place + "-" + state + PackedModel.SUFFIX);
    String reason = "it is not yet packed";
    if (Files.exists(file)) {
      try {
        return opened(model, file);
      } catch (ModelFormatException e) {
        reason = "its packed file is broken (" + e.getMessage() + ")";
      }
    } else if (!others(place, file).isEmpty()) {
      reason = "its files changed";
    }
    DType quantization = ModelPacker.defaultQuantization(model);
    LOG.log(
        Level.INFO,
        "Packing {0} as {1}, because {2}, into {3}",
        model.name(),
        quantization,
        reason,
        file);
    Files.createDirectories(directory);
    delete(abandoned(place));
    ModelPacker.pack(model, file, quantization, progress);
    delete(others(place, file));
    return opened(model, file);
  }

  private static PackedModel opened(ModelDirectory model, Path file) throws IOException {
    PackedModel packed = PackedModel.open(file);
    try {
      verify(packed, file);
    } catch (IOException | RuntimeException e) {
      packed.close();
      throw e;
    }
    LOG.log(Level.INFO, "Model {0} runs from {1}", model.name(), file);
    return packed;
  }

  private static void verify(PackedModel packed, Path file) throws IOException {
    // As it is before it is read: what is written to it meanwhile is another state.
    var mark = VerifiedMark.of(file);
    if (mark.isThere()) {
      return;
    }
    LOG.log(Level.INFO, "Comparing {0} with its digests, once until it changes", file);
    packed.verifyDigests(Progress.NONE);
    try {
      mark.write();
    } catch (IOException e) {
      LOG.log(
          Level.WARNING,
          "Each start reads {0} whole, because it cannot be noted beside it that its digests are right ({1}): make its directory one that can be written to, or serve the file itself",
          file,
          e);
    }
  }

  /** A model's name without what a file's name cannot have. */
  private static String fileName(String name) {
    String plain = name.replace("/", "--").replaceAll("[^A-Za-z0-9._-]", "_");
    return plain.substring(0, Math.min(plain.length(), MAX_NAME));
  }

  private static String state(ModelDirectory model) throws IOException {
    var state = new StringBuilder("%d%n".formatted(PackHeader.VERSION));
    for (String name : model.files()) {
      Path file = model.directory().resolve(name);
      state.append("%s %d %s%n".formatted(name, Files.size(file), Files.getLastModifiedTime(file)));
    }
    return state.toString();
  }

  private static String digest(Object text, int bytes) {
    return HexFormat.of().formatHex(Sha256.of(text.toString().getBytes(UTF_8)), 0, bytes);
  }

  /** Copies of the same directory in other states. */
  private List<Path> others(String place, Path file) throws IOException {
    return files(each -> isNamed(each, place + "-", PackedModel.SUFFIX) && !each.equals(file));
  }

  /** What is left of attempts to make a copy that were killed. */
  private List<Path> abandoned(String place) throws IOException {
    Instant limit = Instant.now().minus(ABANDONED);
    return files(each ->
        isNamed(each, "." + place + "-", AtomicFile.INCOMPLETE)
            && Instant.ofEpochMilli(each.toFile().lastModified()).isBefore(limit));
  }

  private static boolean isNamed(Path file, String prefix, String suffix) {
    String name = file.getFileName().toString();
    return name.startsWith(prefix) && name.endsWith(suffix);
  }

  private List<Path> files(Predicate<Path> filter) throws IOException {
    if (!Files.isDirectory(directory)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files.filter(filter).toList();
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static void delete(List<Path> files) {
    for (Path file : files) {
      try {
        Files.deleteIfExists(file);
        Files.deleteIfExists(VerifiedMark.noteOf(file));
      } catch (IOException e) {
        LOG.log(Level.WARNING, "{0} is of no use any more; delete it yourself ({1})", file, e);
      }
    }
  }
}
