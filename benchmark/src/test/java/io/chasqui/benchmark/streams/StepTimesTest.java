package io.chasqui.benchmark.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Results;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.FakeServer;
import io.chasqui.benchmark.servers.RunningServer;
import io.chasqui.benchmark.servers.Server;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StepTimesTest {
  @TempDir Path directory;

  private Path file(String content) throws IOException {
    return Files.writeString(directory.resolve("times.json"), content);
  }

  private static Map<StreamQuantity, Double> batch(double decode, double first) {
    return Map.of(
        StreamQuantity.TOKENS_PER_SECOND,
        1.0,
        StreamQuantity.DECODE_TOKENS_PER_SECOND,
        decode,
        StreamQuantity.LAST_FIRST_TOKEN_MS,
        first);
  }

  private static Results.Builder streams() {
    return Results.begin(
        "streams", 1, new Environment(Instant.EPOCH, "abc123", "a CPU", 2, 1, 1, "an OS", "a JVM"));
  }

  @Test
  void theTimesOfTheFirstServerAreRead() throws IOException {
    Results.Builder results = streams();
    for (String subject : List.of("aot", "llama-cpp")) {
      double factor = subject.equals("aot") ? 1 : 2;
      StreamScenario.STREAMS_16.add(results, subject, batch(320 / factor, 3000));
      StreamScenario.STREAMS_4.add(results, subject, batch(200 / factor, 900));
      StreamScenario.STREAMS_1.add(results, subject, batch(62.5 / factor, 250));
    }

    assertEquals(
        Map.of(1, 16.0, 4, 20.0, 16, 50.0, 128, 250.0),
        StepTimes.read(file(results.build().json())).millis());
  }

  @Test
  void aFileWithoutTimesIsRefusedInOneLine() throws IOException {
    Results.Builder single = streams();
    StreamScenario.STREAMS_1.add(single, "aot", batch(62.5, 250));
    for (String content : List.of("[]", "{}", "no JSON", single.build().json())) {
      Path file = file(content);
      IOException refusal = assertThrows(IOException.class, () -> StepTimes.read(file));
      assertEquals(1, refusal.getMessage().lines().count(), refusal.getMessage());
    }
  }

  @Test
  void aServerThatRunsIsMeasured() throws Exception {
    try (var fake = new Server(FakeServer.launch(directory.resolve("server.log")));
        var client = HttpClient.newHttpClient()) {
      fake.awaitPort();
      fake.awaitFirstToken(CompletionStream.request(8, 100));
      List<String> progress = new ArrayList<>();

      Results results =
          StepTimes.measure(new RunningServer(client, fake.url(), "any"), 1, progress::add);

      Map<Integer, Double> millis = StepTimes.read(file(results.json())).millis();
      assertEquals(Set.of(1, 2, 4, 8, 16, StreamMeter.PROMPT), millis.keySet());
      // Tokens of the fake server come every two milliseconds, however many streams there are.
      millis.values().forEach(time -> assertTrue(time > 1.5, millis.toString()));
      assertEquals(20, progress.size());
    }
  }

  @Test
  void whereNothingListensIsSaid() throws Exception {
    try (var client = HttpClient.newHttpClient()) {
      var server = new RunningServer(client, URI.create("http://127.0.0.1:1"), "any");
      IOException failure = assertThrows(IOException.class, () -> server.tokens("a"));
      assertTrue(failure.getMessage().contains("nothing listens"), failure.getMessage());
    }
  }
}
