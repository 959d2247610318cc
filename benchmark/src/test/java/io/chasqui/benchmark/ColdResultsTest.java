package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.ColdResults.Case;
import io.chasqui.benchmark.ColdResults.Quantity;
import io.chasqui.benchmark.Servers.Model;
import io.chasqui.benchmark.Servers.Variant;
import io.chasqui.benchmark.Stamp.Weights;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ColdResultsTest {
  private static final Case PEER = new Case(Model.PEER, PageCache.DROPPED);
  private static final Case DEMO = new Case(Model.DEMO, PageCache.WARM);

  private final ColdResults results =
      new ColdResults(
          new Stamp("abc123", "a CPU", "a JVM", 2, Instant.EPOCH),
          Map.of(
              Model.PEER, new Weights("model.chasqui", "d1", 700),
              Model.DEMO, new Weights("demo", "d2", 5)));

  /** All quantities alike. */
  private void add(Case at, Variant variant, double number, String kernels) {
    Map<Quantity, Double> numbers =
        Arrays.stream(Quantity.values())
            .collect(Collectors.toMap(Function.identity(), any -> number));
    results.add(at, variant, numbers, Optional.ofNullable(kernels));
  }

  private void addThreeRounds() {
    for (int round = 1; round <= 3; round++) {
      add(PEER, Variant.JVM, 10 * round, "avx2");
      add(PEER, Variant.LLAMA_CPP, 10 * (4 - round), null);
      add(DEMO, Variant.JVM, round, "avx2");
    }
  }

  @Test
  void aTableComparesWithLlamaServerWithinARound() {
    addThreeRounds();

    List<String> lines = results.tables();

    assertEquals(
        "| the peers' model, page cache dropped | JVM | llama-server | JVM ÷ llama-server |",
        lines.get(0));
    assertEquals("|---|---|---|---|", lines.get(1));
    assertEquals("| port open, ms | 20 (10–30) | 20 (10–30) | ×1.00 (0.33–3.00) |", lines.get(2));
  }

  @Test
  void theDemoModelHasNoPeer() {
    addThreeRounds();

    List<String> lines = results.tables();

    int head = lines.indexOf("| the demo model, page cache warm | JVM |");
    assertTrue(head > 0, lines.toString());
    assertEquals("| port open, ms | 2 (1–3) |", lines.get(head + 2));
  }

  @Test
  void theCaptionSaysWhatItWasMeasuredOn() {
    addThreeRounds();

    String caption = results.tables().getLast();

    for (String part : List.of("a CPU", "2 threads", "abc123", "a JVM", "jvm avx2", "d1", "d2")) {
      assertTrue(caption.contains(part), caption);
    }
  }

  @Test
  void theFieldsHaveTheStampAndEveryRound() {
    addThreeRounds();

    List<Map<String, Object>> fields = results.fields();

    assertEquals(3, fields.size());
    Map<String, Object> jvm = fields.getFirst();
    assertEquals("abc123", jvm.get("build_commit"));
    assertEquals("d1", jvm.get("model_digest"));
    assertEquals("avx2", jvm.get("kernels"));
    assertEquals("jvm", jvm.get("variant"));
    assertEquals("dropped", jvm.get("page_cache"));
    var ready = (Map<?, ?>) jvm.get("ready_ms");
    assertEquals(20.0, ready.get("median"));
    assertEquals(List.of(10.0, 20.0, 30.0), ready.get("rounds"));
    assertEquals(1.0, ((Map<?, ?>) ready.get("ratio_to_llama_cpp")).get("median"));
    assertEquals("", fields.get(1).get("kernels"));
    assertEquals(
        false, ((Map<?, ?>) fields.get(2).get("ready_ms")).containsKey("ratio_to_llama_cpp"));
  }
}
