package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Comparison.Engine;
import io.chasqui.benchmark.Stamp.Weights;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
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

  @Test
  void theResultsOfStreamsAreRead() throws IOException {
    var ours = new Engine("aot", "JVM");
    var peer = new Engine("llama-cpp", "llama-server");
    var results =
        new StreamResults(
            new Stamp("abc123", "a CPU", "a JVM", 2, Instant.EPOCH),
            new Weights("model.chasqui", "d1", 700),
            1,
            Set.of(peer));
    for (Engine engine : List.of(ours, peer)) {
      double factor = engine.equals(ours) ? 1 : 2;
      results.add(StreamScenario.STREAMS_16, engine, batch(320 / factor, 3000));
      results.add(StreamScenario.STREAMS_4, engine, batch(200 / factor, 900));
      results.add(StreamScenario.STREAMS_1, engine, batch(62.5 / factor, 250));
    }
    var json = new ByteArrayOutputStream();
    results.print(ServerResults.Format.JSON, new PrintStream(json, true, StandardCharsets.UTF_8));

    assertEquals(
        Map.of(1, 16.0, 4, 20.0, 16, 50.0, 128, 250.0),
        StepTimes.read(file(json.toString(StandardCharsets.UTF_8))).millis());
  }

  @Test
  void aFileWithoutTimesIsRefusedInOneLine() throws IOException {
    for (String content : List.of("[]", "{}", "no JSON", "[{\"scenario\": \"1x\"}]")) {
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

      List<Map<String, Object>> results =
          StepTimes.measure(new RunningServer(client, fake.url(), "any"), 1, progress::add);

      Map<Integer, Double> millis =
          StepTimes.read(file(new JsonMapper().writeValueAsString(results))).millis();
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
