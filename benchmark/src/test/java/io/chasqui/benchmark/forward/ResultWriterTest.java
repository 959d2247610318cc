package io.chasqui.benchmark.forward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Samples;
import io.chasqui.kernel.KvLayout;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ResultWriterTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final ModelTest PROMPT = test(1, 0, 512, 0);
  private static final ModelTest GENERATION = test(2, 2048, 0, 64);

  private static ModelTest test(int threads, int depth, int prompt, int generated) {
    return new ModelTest(
        Path.of("models", "a.chasqui"),
        2048,
        512,
        KvLayout.Type.F16,
        threads,
        depth,
        prompt,
        generated);
  }

  private static TestResult result(ModelTest test) {
    return new TestResult(
        new TestResult.Setting("abc1234", "A \"CPU\", fast", "avx2", "A JVM"),
        test,
        "llama 1B Q4",
        "Q4",
        "00ff",
        709_000_000,
        1_235_814_400,
        Instant.parse("2026-01-02T03:04:05.678Z"),
        new Samples(test.tokens(), List.of(1_000_000_000L, 2_000_000_000L)));
  }

  private static String written(ResultWriter.Format format, ModelTest... tests) {
    var out = new ByteArrayOutputStream();
    var stream = new PrintStream(out, false, StandardCharsets.UTF_8);
    ResultWriter writer = ResultWriter.of(format, stream, List.of(tests));
    writer.begin();
    List.of(tests).forEach(test -> writer.write(result(test)));
    writer.end();
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void jsonIsAnArrayWithLlamaBenchsFields() throws IOException {
    JsonNode results = JSON.readTree(written(ResultWriter.Format.JSON, PROMPT, GENERATION));

    assertEquals(2, results.size());
    JsonNode first = results.get(0);
    assertEquals("abc1234", first.get("build_commit").asText());
    assertEquals("A \"CPU\", fast", first.get("cpu_info").asText());
    assertEquals("avx2", first.get("kernels").asText());
    assertEquals("00ff", first.get("model_digest").asText());
    assertEquals("llama 1B Q4", first.get("model_type").asText());
    assertEquals(709_000_000, first.get("model_size").asLong());
    assertEquals(1_235_814_400, first.get("model_n_params").asLong());
    assertEquals(1, first.get("n_threads").asInt());
    assertEquals("f16", first.get("type_k").asText());
    assertEquals(512, first.get("n_prompt").asInt());
    assertEquals(0, first.get("n_gen").asInt());
    assertEquals("2026-01-02T03:04:05Z", first.get("test_time").asText());
    assertEquals(1_500_000_000, first.get("avg_ns").asLong());
    assertEquals(384, first.get("avg_ts").asDouble());
    assertEquals(256 / Math.sqrt(2), first.get("stddev_ts").asDouble(), 1e-9);
    assertEquals(2_000_000_000, first.get("samples_ns").get(1).asLong());
    assertEquals(256, first.get("samples_ts").get(1).asDouble());
    assertEquals(2048, results.get(1).get("n_depth").asInt());
    assertEquals(64, results.get(1).get("n_gen").asInt());
  }

  @Test
  void jsonLinesAreTheSameObjectsALineEach() throws IOException {
    JsonNode array = JSON.readTree(written(ResultWriter.Format.JSON, PROMPT, GENERATION));
    List<String> lines = written(ResultWriter.Format.JSONL, PROMPT, GENERATION).lines().toList();

    assertEquals(2, lines.size());
    assertEquals(array.get(0), JSON.readTree(lines.get(0)));
    assertEquals(array.get(1), JSON.readTree(lines.get(1)));
  }

  @Test
  void csvHasNamesOnceAndValuesInQuotes() {
    List<String> lines = written(ResultWriter.Format.CSV, PROMPT, GENERATION).lines().toList();

    assertEquals(3, lines.size());
    assertTrue(lines.get(0).startsWith("build_commit,jvm,cpu_info,"), lines.get(0));
    assertTrue(lines.get(0).endsWith(",avg_ns,stddev_ns,avg_ts,stddev_ts"), lines.get(0));
    assertTrue(lines.get(1).contains(",\"A \"\"CPU\"\", fast\","), lines.get(1));
    assertTrue(
        lines.get(1).endsWith(",\"1500000000\",\"707106781\",\"384.000000\",\"181.019336\""),
        lines.get(1));
  }

  @Test
  void aTableHasWhatTellsTestsApartAndSharesTheRest() {
    List<String> lines = written(ResultWriter.Format.MD, PROMPT, GENERATION).lines().toList();

    assertEquals(
        List.of("model", "size", "params", "kernels", "threads", "test", "t/s"),
        cells(lines.get(0)));
    assertEquals(
        List.of("llama 1B Q4", "676.16 MiB", "1.24 B", "avx2", "1", "pp512", "384.00 ± 181.02"),
        cells(lines.get(2)));
    assertEquals("tg64 @ d2048", cells(lines.get(3)).get(5));
    assertEquals(lines.get(0).length(), lines.get(2).length());
    assertEquals(
        "build: abc1234; CPU: A \"CPU\", fast; JVM: A JVM; a.chasqui: weights' SHA-256 00ff",
        lines.getLast());
    assertEquals(6, lines.size());
  }

  @Test
  void aTableHasAColumnForBatchesThatDiffer() {
    var small = new ModelTest(PROMPT.model(), 2048, 64, KvLayout.Type.I8, 1, 0, 512, 0);

    List<String> lines = written(ResultWriter.Format.MD, PROMPT, small).lines().toList();

    assertTrue(cells(lines.get(0)).containsAll(List.of("n_ubatch", "type_kv")), lines.get(0));
    assertFalse(cells(lines.get(0)).contains("n_batch"), lines.get(0));
    assertTrue(cells(lines.get(3)).containsAll(List.of("64", "i8")), lines.get(3));
  }

  private static List<String> cells(String row) {
    return List.of(row.substring(2, row.length() - 2).strip().split("\\s*\\|\\s*"));
  }
}
