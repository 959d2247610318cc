package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Whoever has no memory left ends, instead of going on without a part of itself. */
class FullHeapIT {
  @TempDir Path directory;

  @Test
  @DisabledIf(
      value = "io.chasqui.it.BuiltServer#isNative",
      disabledReason = "the executable starts with the smallest heap that it can have, 16 MiB")
  void aFullHeapEndsTheProgramWith3() throws Exception {
    try (var server = BuiltServer.withHeap("10m", directory.resolve("log"))) {
      assertEquals(3, server.exitCode(), server::output);
    }
  }
}
