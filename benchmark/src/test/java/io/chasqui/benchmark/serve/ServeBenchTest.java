package io.chasqui.benchmark.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.benchmark.results.Results;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;

class ServeBenchTest {
  private static final String ROOT = "chasqui.root";
  private static final RequestWriter WRITER = new RequestWriter("fake", true, true);

  @TempDir Path directory;

  @BeforeAll
  static void setRoot() {
    System.setProperty(ROOT, "..");
  }

  @AfterAll
  static void clearRoot() {
    System.clearProperty(ROOT);
  }

  private static String failure(String... args) {
    var errors = new StringWriter();
    CommandLine line = ServeBench.commandLine().setErr(new PrintWriter(errors, true));
    assertEquals(2, line.execute(args));
    return errors.toString();
  }

  @Test
  void aRunOfARunningServerIsRecorded() throws Exception {
    Path record = directory.resolve("record.json");
    Path data = directory.resolve("data.jsonl");
    Files.writeString(
        data, "{\"prompt\": \"two words\"}\n{\"prompt\": \"%s\"}\n".formatted("a ".repeat(99)));
    try (var server = new FakeOpenAi()) {
      int status =
          ServeBench.commandLine()
              .execute(
                  ("--url %s --api-key secret --data %s --rates 50,20 --duration 0.3 --warm-up 0.1"
                          + " --arrivals constant --max-tokens 3 --rounds 2 --no-prefix-cache"
                          + " --record %s")
                      .formatted(server.url(), data, record)
                      .split(" "));

      assertEquals(0, status);
      JsonNode body = server.bodies().getFirst();
      assertEquals(3, body.path("max_tokens").asInt());
      assertTrue(body.path("ignore_eos").asBoolean());
      assertFalse(body.path("cache_prompt").asBoolean(true));
      assertTrue(server.keys().stream().allMatch("Bearer secret"::equals));
    }
    Results results = Results.read(record);
    assertEquals("serve", results.scenario());
    assertEquals(List.of(6.0, 6.0), values(results, "requests", 20));
    assertEquals(List.of(15.0, 15.0), values(results, "requests", 50));
    assertEquals(List.of(0.0, 0.0), values(results, "failed", 20));
    assertEquals(1, values(results, "mean queue", 20).getFirst(), 1e-6);
    assertTrue(
        results.notes().stream().anyMatch(note -> note.startsWith("1 of 2 prompts are left out")));
    assertFalse(Files.readString(record).contains("secret"));
  }

  private static List<Double> values(Results results, String quantity, double rate) {
    return results.measurements().stream()
        .filter(each -> each.quantity().name().equals(quantity))
        .filter(each -> each.at().equals(Optional.of(rate)))
        .findFirst()
        .orElseThrow()
        .values();
  }

  @ParameterizedTest
  @CsvSource({
    "--rates 0, --rates",
    "--rates 1 --rounds 0, --rounds",
    "--duration 0, --duration",
    "--url http://127.0.0.1:1 --variants jvm, starts none",
    "--api-key k, --url",
    "--variants llama-cpp, DIRECTORY",
    "--data no-such-data, no-such-data",
    "--url localhost, must be one like"
  })
  void aMistakeIsOneLine(String args, String problem) {
    String message = failure(args.split(" "));

    assertTrue(message.startsWith("chasqui: ") && message.contains(problem), message);
    assertEquals(1, message.lines().count(), message);
  }

  @Test
  void theSeedDecidesTimesAndPrompts() throws IOException {
    List<Request> requests =
        Stream.of("a", "b", "c").map(each -> new Request("/completions", each)).toList();
    try (var endpoint = new Endpoint("http://127.0.0.1:1", Optional.empty())) {
      var target = new ServeLoad.Target("fake", endpoint, requests);
      var load = new ServeLoad(Arrivals.POISSON, 1, 20, 5, Duration.ofSeconds(1), 1);

      assertEquals(load.schedule(target, 4, 7), load.schedule(target, 4, 7));
      assertNotEquals(load.schedule(target, 4, 7), load.schedule(target, 4, 8));
      assertEquals(
          3, load.schedule(target, 4, 7).stream().map(each -> each.request()).distinct().count());
    }
  }

  @Test
  void promptsThatDoNotFitWithTheirAnswersAreLeftOut() throws Exception {
    PromptData data = PromptData.read(Path.of("data", "long-summarization.jsonl"));
    var preparation = new ServePrompts(false, Optional.empty(), 64);
    try (PackedModel model = new EmbeddedModel().packed()) {
      var tokens = new PackedTokens(model);
      Prompt prompt = data.prompts().get(3);
      int needed = tokens.of(prompt).length + prompt.maxTokens().orElseThrow();
      ServePrompts.Tokens known = each -> Optional.of(tokens.of(each));
      var exactly = preparation.prepare(data, known, OptionalInt.of(needed), WRITER);
      var less = preparation.prepare(data, known, OptionalInt.of(needed - 1), WRITER);

      assertTrue(exactly.prompts().contains(prompt));
      assertFalse(less.prompts().contains(prompt));
      assertEquals(less.prompts().size(), less.requests().size());
      assertThrows(
          IOException.class, () -> preparation.prepare(data, known, OptionalInt.of(512), WRITER));
    }
  }

  @Test
  void allPromptsAreSentWhereNobodyKnowsTheirLength() throws Exception {
    PromptData data = PromptData.read(Path.of("data", "code.jsonl"));
    var unknown =
        new ServePrompts(false, Optional.empty(), 64)
            .prepare(data, prompt -> Optional.empty(), OptionalInt.of(1), WRITER);

    assertEquals(data.prompts(), unknown.prompts());
    assertThrows(
        IOException.class,
        () ->
            new ServePrompts(true, Optional.empty(), 64)
                .prepare(data, prompt -> Optional.empty(), OptionalInt.empty(), WRITER));
  }

  @Test
  void aConversationsIdsAreThoseThatTheServerComputes() throws Exception {
    PromptData data = PromptData.read(Path.of("data", "short-chat.jsonl"));
    try (PackedModel model = new EmbeddedModel().packed()) {
      var tokens = new PackedTokens(model);
      String text = model.tokenizer().decode(tokens.of(data.prompts().getFirst()), false);

      assertTrue(text.contains("<|im_start|>user\nWhat is the capital of Peru"), text);
      assertTrue(text.endsWith("<|im_start|>assistant\n"), text);
    }
  }
}
