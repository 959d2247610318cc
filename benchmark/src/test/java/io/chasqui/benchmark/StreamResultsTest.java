package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.Comparison.Engine;
import io.chasqui.benchmark.Stamp.Weights;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class StreamResultsTest {
  private static final Engine OURS = new Engine("jvm", "JVM");
  private static final Engine SERVER = new Engine("llama-cpp", "llama-server");
  private static final Engine BATCHED = new Engine("batched", "batched");

  private final StreamResults results =
      new StreamResults(
          new Stamp("abc123", "a CPU", "a JVM", 2, Instant.EPOCH),
          new Weights("model.chasqui", "d1", 700),
          42,
          Set.of(SERVER, BATCHED));

  /** All quantities alike. */
  private void add(StreamScenario scenario, Engine engine, double number) {
    results.add(
        scenario,
        engine,
        scenario.quantities().stream()
            .collect(Collectors.toMap(Function.identity(), any -> number)));
  }

  private void addThreeRounds() {
    results.addKernels(OURS, "avx2");
    for (int round = 1; round <= 3; round++) {
      add(StreamScenario.STREAMS_16, OURS, 10 * round);
      add(StreamScenario.STREAMS_16, SERVER, 10 * (4 - round));
      add(StreamScenario.STREAMS_16, BATCHED, 20);
      add(StreamScenario.PREFIX, OURS, round);
      add(StreamScenario.PREFIX, SERVER, round);
    }
  }

  @Test
  void aTableComparesWithEachPeerWithinARound() {
    addThreeRounds();

    List<String> lines = results.tables();

    assertEquals(
        "| 16x | JVM | llama-server | batched | JVM ÷ llama-server | JVM ÷ batched |",
        lines.get(0));
    assertEquals("|---|---|---|---|---|---|", lines.get(1));
    assertEquals(
        "| tokens/s, first request to last token | 20.0 (10.0–30.0) | 20.0 (10.0–30.0)"
            + " | 20.0 (20.0–20.0) | ×1.00 (0.33–3.00) | ×1.00 (0.50–1.50) |",
        lines.get(2));
  }

  @Test
  void aPeerStandsOnlyWhereItHasMeasured() {
    addThreeRounds();

    assertTrue(
        results.tables().contains("| prefix | JVM | llama-server | JVM ÷ llama-server |"),
        results.tables().toString());
  }

  @Test
  void theCaptionSaysWhatItWasMeasuredOn() {
    addThreeRounds();

    String caption = results.tables().getLast();

    for (String part : List.of("a CPU", "2 threads", "abc123", "jvm avx2", "d1", "seed 42")) {
      assertTrue(caption.contains(part), caption);
    }
  }

  @Test
  void theFieldsHaveTheStampAndEveryRound() {
    addThreeRounds();

    List<Map<String, Object>> fields = results.fields();

    assertEquals(5, fields.size());
    Map<String, Object> ours = fields.getFirst();
    assertEquals("16x", ours.get("scenario"));
    assertEquals("jvm", ours.get("variant"));
    assertEquals(42L, ours.get("seed"));
    assertEquals("avx2", ours.get("kernels"));
    var speed = (Map<?, ?>) ours.get("tokens_per_second");
    assertEquals(List.of(10.0, 20.0, 30.0), speed.get("rounds"));
    assertEquals(1.0, ((Map<?, ?>) speed.get("ratio_to_llama_cpp")).get("median"));
    assertEquals(1.5, ((Map<?, ?>) speed.get("ratio_to_batched")).get("most"));
    Map<String, Object> prefix = fields.get(3);
    assertEquals("prefix", prefix.get("scenario"));
    assertFalse(
        ((Map<?, ?>) prefix.get("again_to_new")).containsKey("ratio_to_batched"),
        prefix.toString());
  }
}
