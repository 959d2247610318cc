package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.chasqui.Programs;
import io.chasqui.it.Transcript.Exchange;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Whoever types what the README's section on operation has, sees what it says. Each transcript has
 * a folder and a server of its own, and the commands are run by bash, with another port.
 */
class ReadmeIT {
  private static final String ADDRESS = "localhost:8080";

  @TempDir Path folder;
  @TempDir Path logs;

  @BeforeAll
  static void curlIsHere() {
    boolean required = Boolean.parseBoolean(System.getenv("CHASQUI_REQUIRE_CURL"));
    assumeTrue(required || Programs.find("curl").isPresent(), "curl is not installed");
  }

  static List<Transcript> transcripts() throws IOException {
    return Transcript.in(Files.readString(Path.of("README.md")), "Operate it");
  }

  @ParameterizedTest
  @MethodSource("transcripts")
  void aTranscriptIsWhatAUserSees(Transcript transcript) throws Exception {
    for (Exchange each : transcript.setup()) {
      each.requireOutput(run(each.command()));
    }
    try (var server =
        new BuiltServer("demo", logs.resolve("server"), transcript.settings(), folder)) {
      URI uri = server.readyUri();
      for (Exchange each : transcript.exchanges()) {
        each.requireOutput(run(each.command().replace(ADDRESS, uri.getAuthority())));
      }
    }
  }

  /** What a command prints to its standard output; on a terminal, curl shows no progress either. */
  private String run(String command) throws Exception {
    Path output = logs.resolve("output");
    Path errors = logs.resolve("errors");
    var bash =
        new ProcessBuilder("bash", "-c", command)
            .directory(folder.toFile())
            .redirectOutput(output.toFile())
            .redirectError(errors.toFile());
    bash.environment().put("no_proxy", "*");
    Process running = bash.start();
    try {
      assertTrue(running.waitFor(60, TimeUnit.SECONDS), () -> "it does not end: " + command);
    } finally {
      running.destroyForcibly();
    }
    assertEquals(0, running.exitValue(), () -> command + "\n" + read(errors));
    return Files.readString(output);
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
