package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.kernel.KvLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a request gets and leaves behind is the same whatever happens beside it. */
class StepLoopSoakTest {
  /** All together; CI sends more. */
  private static final int REQUESTS =
      Integer.parseInt(System.getenv().getOrDefault("CHASQUI_SOAK_REQUESTS", "400"));

  @TempDir Path directory;

  @ParameterizedTest
  @EnumSource(KvLayout.Type.class)
  void everyRequestGetsWhatItGetsAloneAndLeavesNothingBehind(KvLayout.Type kvType)
      throws Exception {
    int requests = REQUESTS / KvLayout.Type.values().length;
    String seed = Long.toString(new Random().nextLong());
    Path temporary = Files.createDirectory(directory.resolve("tmp"));
    Path log = directory.resolve("log");
    List<String> command =
        new ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString()));
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(flag -> flag.startsWith("--"))
        .forEach(command::add);
    command.addAll(
        List.of(
            "-Xmx256m", // All of it from the beginning, so that resident memory grows by what is
            // not heap.
            "-Xms256m",
            "-XX:+AlwaysPreTouch",
            "-Djava.io.tmpdir=" + temporary,
            "-cp",
            System.getProperty("java.class.path"),
            Soak.class.getName(),
            kvType.name(),
            Integer.toString(requests),
            seed));
    Process soak =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      boolean ended = soak.waitFor(60 + requests / 4, TimeUnit.SECONDS);
      String output = "seed " + seed + ": " + Files.readString(log);
      assertTrue(ended, output);
      assertEquals(0, soak.exitValue(), output);
    } finally {
      soak.destroyForcibly();
    }
  }
}
