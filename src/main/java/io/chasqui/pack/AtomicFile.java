package io.chasqui.pack;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** Writes a file so that under its name there is a whole one or none, whatever happens. */
final class AtomicFile {
  /** How the name of a file ends while it is written; it begins with a dot and the target's. */
  static final String INCOMPLETE = ".incomplete";

  private AtomicFile() {}

  /** Writes the contents. */
  @FunctionalInterface
  interface Contents {
    void write(FileChannel channel) throws IOException;
  }

  /**
   * Writes beside the target, forces what is written to the disk, and moves it into place. If that
   * fails, or the program is ended, what was written is deleted.
   *
   * @param target replaced if it is there; who has it mapped keeps what he has
   * @throws IllegalArgumentException if the target is a directory or in none
   */
  static void write(Path target, Contents contents) throws IOException {
    Path file = target.toAbsolutePath().normalize();
    Path folder = file.getParent();
    if (folder == null || Files.isDirectory(file)) {
      throw new IllegalArgumentException("'" + target + "' is a directory, not a file");
    }
    if (!Files.isDirectory(folder)) {
      throw new IllegalArgumentException("There is no directory '" + folder + "' to write to.");
    }
    Path temporary =
        folder.resolve("." + file.getFileName() + "." + UUID.randomUUID() + INCOMPLETE);
    temporary.toFile().deleteOnExit();
    try {
      try (FileChannel channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE_NEW,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE)) {
        contents.write(channel);
        channel.force(true);
      }
      Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
      forceNames(folder);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /** Without this a crash of the machine could forget the new name. */
  private static void forceNames(Path folder) throws IOException {
    if (!System.getProperty("os.name").startsWith("Windows")) {
      try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
        names.force(true);
      }
    }
  }
}
