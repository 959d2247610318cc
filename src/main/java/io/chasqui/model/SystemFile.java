package io.chasqui.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Files in which Linux tells about itself. */
final class SystemFile {
  private SystemFile() {}

  /**
   * The content, or nothing: a system that does not tell a limit enforces none that we can know.
   */
  static String read(Path file) {
    try {
      return Files.isReadable(file) ? Files.readString(file) : "";
    } catch (IOException e) {
      return "";
    }
  }

  static String read(String path) {
    return read(Path.of(path));
  }
}
