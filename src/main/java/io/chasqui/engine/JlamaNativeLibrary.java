package io.chasqui.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * Jlama unpacks its library of SIMD kernels into a temporary directory and deletes it when the JVM
 * exits, which a killed process never does.
 */
final class JlamaNativeLibrary {
  private static final Path MAPPINGS = Path.of("/proc/self/maps");
  private static final String LIBRARY = "libjlama.so";

  private JlamaNativeLibrary() {}

  /**
   * Deletes the file that this process has loaded: its mapping does not need the name. Does nothing
   * where the kernel does not tell what is mapped, or the library is not Jlama's own copy.
   */
  static void deleteUnpackedFile() {
    if (!Files.isReadable(MAPPINGS)) {
      return;
    }
    Path temporary = Path.of(System.getProperty("java.io.tmpdir")).toAbsolutePath().normalize();
    try (Stream<String> mappings = Files.lines(MAPPINGS)) {
      var mapped =
          mappings
              .filter(line -> line.endsWith(LIBRARY))
              .map(line -> Path.of(line.substring(line.indexOf('/'))))
              .filter(file -> file.startsWith(temporary))
              .distinct()
              .toList();
      for (Path file : mapped) {
        Files.deleteIfExists(file);
        Files.deleteIfExists(file.getParent());
      }
    } catch (IOException e) {
      throw new UncheckedIOException("Jlama's unpacked library cannot be deleted", e);
    }
  }
}
