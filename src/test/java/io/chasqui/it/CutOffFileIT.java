package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What others do to the file of a model that is served. */
class CutOffFileIT {
  @TempDir Path directory;

  @Test
  void aFileThatBecomesShorterEndsTheProcessWithItsName() throws Exception {
    Path file =
        Files.copy(
            Path.of("src/main/resources/models/demo.chasqui"), directory.resolve("own.chasqui"));
    Path log = directory.resolve("log");
    try (var server = new BuiltServer(file, log)) {
      server.readyUri();
      try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(channel.size() / 2);
      }
      assertEquals(1, server.exitCode());
    }
    String output = Files.readString(log);
    assertTrue(output.contains("has become shorter"), output);
    assertTrue(output.contains(file.toString()), output);
    assertFalse(output.contains("\tat "), output);
  }

  @Test
  void aDamagedFileIsNotServedWhereItIsVerified() throws Exception {
    byte[] bytes = Files.readAllBytes(Path.of("src/main/resources/models/demo.chasqui"));
    bytes[bytes.length - 1] ^= 1;
    Path file = Files.write(directory.resolve("own.chasqui"), bytes);
    Path log = directory.resolve("log");
    try (var server = new BuiltServer(file.toString(), log, Map.of("CHASQUI_VERIFY", "true"))) {
      assertEquals(1, server.exitCode());
    }
    String output = Files.readString(log);
    assertTrue(output.contains("own.chasqui, weights"), output);
    assertFalse(output.contains("\tat "), output);
  }
}
