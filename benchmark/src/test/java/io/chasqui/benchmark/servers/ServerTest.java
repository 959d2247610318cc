package io.chasqui.benchmark.servers;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServerTest {
  private static final String JAVA =
      Path.of(System.getProperty("java.home"), "bin", "java").toString();

  @TempDir Path directory;

  private Launch launch(String... words) {
    return new Launch(List.of(words), Map.of(), "/health", directory.resolve("server.log"));
  }

  private Launch fakeServer() {
    return FakeServer.launch(directory.resolve("server.log"));
  }

  @Test
  void aServerThatLoadsIsAskedUntilItIsReadyAndAnswers() throws Exception {
    try (var server = new Server(fakeServer())) {
      double port = server.awaitPort();
      double ready = server.awaitHealthy();
      double firstToken = server.awaitFirstToken(CompletionStream.request(8, 100));

      assertTrue(0 < port && port < ready && ready < firstToken);
      int asked = FakeServer.REFUSALS + 1;
      List<String> output = server.output().lines().toList();
      assertTrue(output.contains("/health " + asked), output.toString());
      assertEquals(CompletionStream.PATH + " " + asked, output.getLast());
      assertTrue(server.resident().all() > 0);
    }
  }

  @Test
  void anAnswerThatIsNot200Fails() throws Exception {
    try (var server = new Server(fakeServer())) {
      server.awaitPort();
      IOException failure = assertThrows(IOException.class, () -> server.send("/wrong", "{}"));
      assertTrue(failure.getMessage().contains("that is wrong"), failure.getMessage());
    }
  }

  @Test
  void aServerThatEndsIsNotWaitedFor() throws Exception {
    try (var server = new Server(launch(JAVA, "-version"))) {
      IOException failure = assertThrows(IOException.class, server::awaitPort);
      assertTrue(failure.getMessage().contains("server.log"), failure.getMessage());
      assertThrows(IOException.class, server::awaitHealthy);
    }
  }

  @Test
  void residentMemoryAndThreadsAreReadFromTheStatusOfAProcess() {
    String status =
        "Name:\tjava\nThreads:\t31\nVmHWM:\t  350 kB\nVmRSS:\t  300 kB\nRssAnon:\t  100 kB\nRssFile:\t     200 kB\n";

    assertEquals(new Server.Resident(102_400, 204_800, 358_400), Server.resident(status));
    assertEquals(307_200, Server.resident(status).all());
    assertEquals(31, Server.threads(status));
  }

  @Test
  void processorTimeIsReadWhateverAProgramIsCalled() {
    String stat = "4711 (my (odd) 1 2 name) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 31 0 99";

    assertEquals(3.0, Server.cpuSeconds(stat));
  }
}
