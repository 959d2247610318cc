package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A setting that cannot be ends the program at once, with its reason and nothing else. */
class WrongSettingsIT {
  @TempDir Path directory;

  @ParameterizedTest
  @CsvSource({
    "OTEL_EXPORTER_OTLP_ENDPOINT, collector",
    "CHASQUI_API_KEYS_FILE, /nowhere/keys",
    "CHASQUI_API_KEYS_FILE, README.md",
    "CHASQUI_DRAIN_TIMEOUT, soon",
    "CHASQUI_KV_CACHE_DTYPE, f64",
  })
  void itsValueIsTold(String name, String value) throws Exception {
    Path log = directory.resolve("log");
    try (var server = new BuiltServer("demo", log, Map.of(name, value))) {
      assertEquals(1, server.exitCode());
    }
    String output = Files.readString(log);
    assertTrue(output.contains(value), output);
    assertFalse(output.contains("\tat "), output);
  }
}
