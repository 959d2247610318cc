package io.chasqui.pack;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A model whose files lie in a directory.
 *
 * @param directory holds the files
 */
public record ModelDirectory(String name, Path directory) implements ModelFiles {
  /** What is read of a model beside its weights, as far as it is there. */
  static final List<String> SMALL_FILES =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
          SafetensorsFiles.INDEX);

  /** Far above any tokenizer.json, far below what would hurt. */
  private static final int MAX_SMALL_FILE_BYTES = 256_000_000;

  /**
   * Checks the name.
   *
   * @throws IllegalArgumentException if it cannot be a model's
   */
  public ModelDirectory {
    ModelNames.fault(name)
        .ifPresent(fault -> {
          throw new IllegalArgumentException(fault + "; rename its directory");
        });
  }

  @Override
  public Optional<byte[]> read(String file) {
    if (!PlainNames.isPlain(file)) {
      throw new IllegalArgumentException("not a plain file name: " + file);
    }
    return readSmall(directory.resolve(file));
  }

  /** The names of all files that make the model what it is. */
  List<String> files() {
    return Stream.concat(
            SMALL_FILES.stream().filter(name -> Files.isRegularFile(directory.resolve(name))),
            SafetensorsFiles.names(directory).stream())
        .toList();
  }

  static Optional<byte[]> readSmall(Path path) {
    String file = path.getFileName().toString();
    if (!Files.isRegularFile(path)) {
      return Optional.empty();
    }
    try (InputStream in = Files.newInputStream(path)) {
      if (Files.size(path) > MAX_SMALL_FILE_BYTES) {
        throw new ModelFormatException(
            file, "", "is larger than " + MAX_SMALL_FILE_BYTES + " bytes");
      }
      return Optional.of(in.readNBytes(MAX_SMALL_FILE_BYTES));
    } catch (IOException e) {
      ModelFormatException failure =
          new ModelFormatException(file, "", "cannot be read: " + e.getMessage());
      failure.initCause(e);
      throw failure;
    }
  }
}
