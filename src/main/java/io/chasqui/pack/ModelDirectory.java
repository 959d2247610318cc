package io.chasqui.pack;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A model whose files lie in a directory.
 *
 * @param directory holds the files, and the weights for Jlama to map
 */
public record ModelDirectory(String name, Path directory) implements ModelFiles {
  /** Far above any tokenizer.json, far below what would hurt. */
  private static final int MAX_SMALL_FILE_BYTES = 256_000_000;

  @Override
  public Optional<byte[]> read(String file) {
    if (!PlainNames.isPlain(file)) {
      throw new IllegalArgumentException("not a plain file name: " + file);
    }
    return readSmall(directory.resolve(file));
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
