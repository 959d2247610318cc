package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.Servers.Variant;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class MemoryResultsTest {
  private final MemoryResults results =
      new MemoryResults(new Stamp("abc", "a CPU", "a JVM", 2, Instant.EPOCH));

  private static MemoryResults.Row row(long peak) throws Exception {
    JsonNode estimate =
        new JsonMapper()
            .readTree(
                """
                {"precision": "q8", "context": 512, "batch": 8,
                 "bytes": {"weights": 60000000, "kv_cache": 30000000, "activations": 4000000,
                           "runtime": 6000000, "total": 100000000}}
                """);
    var resident = new Server.Resident(70_000_000, 20_000_000, peak);
    return new MemoryResults.Row("demo", Variant.AOT, estimate, resident, "avx2");
  }

  @Test
  void anEstimateMayBeOffByFivePercent() throws Exception {
    results.add(row(95_500_000));
    results.add(row(105_000_000));
    assertTrue(results.areClose());
    results.add(row(106_000_000));
    assertFalse(results.areClose());
  }

  @Test
  void anEstimateThatIsTooHighIsWrongToo() throws Exception {
    results.add(row(95_000_000));
    assertFalse(results.areClose());
  }

  @Test
  void aTableTellsThePartsWhatWasMeasuredAndTheRatio() throws Exception {
    results.add(row(104_000_000));

    List<String> table = results.tables();

    assertEquals(
        "| MB | variant | weights | kv cache | activations | runtime | total | peak | anonymous |"
            + " of files | total ÷ peak |",
        table.get(0));
    assertEquals(
        "| demo, q8, 8 x 512 | JVM, AOT cache | 60.0 | 30.0 | 4.0 | 6.0 | 100.0 | 104.0 | 70.0 |"
            + " 20.0 | ×0.962 |",
        table.get(2));
    assertEquals(104_000_000L, results.fields().getFirst().get("peak"));
  }
}
