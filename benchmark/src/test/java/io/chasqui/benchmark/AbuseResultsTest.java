package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.AbuseResults.Moment;
import io.chasqui.benchmark.Comparison.Engine;
import io.chasqui.benchmark.Stamp.Weights;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class AbuseResultsTest {
  private final HostileTally tally = new HostileTally();
  private final AbuseResults results =
      new AbuseResults(
          new Stamp("abc123", "a CPU", "a JVM", 2, Instant.EPOCH),
          new Weights("demo", "d1", 700),
          "aot",
          "avx2",
          42,
          tally);

  private void add(Engine engine, double firstToken) {
    results.add(
        engine,
        Map.of(
            StreamQuantity.STREAMS,
            100.0,
            StreamQuantity.FIRST_TOKEN_P50_MS,
            10.0,
            StreamQuantity.FIRST_TOKEN_P99_MS,
            firstToken,
            StreamQuantity.ITL_P50_MS,
            1.0,
            StreamQuantity.ITL_P99_MS,
            2.0));
  }

  private void addThreeRounds() {
    for (int round = 1; round <= 3; round++) {
      add(AbuseResults.ALONE, 20);
      add(AbuseResults.BESIDE, 20 * round);
      results.addRate(200);
    }
    tally.add(HostileKind.NO_HTTP, HostileOutcome.REFUSED);
    tally.add(HostileKind.NO_HTTP, HostileOutcome.REFUSED);
    tally.add(HostileKind.RESET, HostileOutcome.LEFT);
    results.hold(Moment.BEFORE, held(30));
    results.hold(Moment.BESIDE, held(90));
    results.hold(Moment.BESIDE, held(80));
    results.hold(Moment.AFTER, held(31));
  }

  private static Server.Holdings held(int files) {
    return new Server.Holdings(new Server.Resident(100_000_000, 50_000_000, 0), files, 25);
  }

  @Test
  void streamsBesideAreComparedWithThoseAloneWithinARound() {
    addThreeRounds();

    List<String> lines = results.tables();

    assertEquals("| streams | beside them | alone | beside them ÷ alone |", lines.get(0));
    assertTrue(
        lines.contains(
            "| first token, 99th percentile, ms | 40.0 (20.0–60.0) | 20.0 (20.0–20.0)"
                + " | ×2.00 (1.00–3.00) |"),
        lines.toString());
  }

  @Test
  void whatBecameOfHostileRequestsIsCountedByKindAndInAll() {
    addThreeRounds();

    List<String> lines = results.tables();

    assertTrue(lines.contains("| random bytes for HTTP | 0 | 2 | 0 | 0 | 0 | 0 | 0 |"));
    assertTrue(lines.contains("| all | 0 | 2 | 0 | 0 | 1 | 0 | 0 |"), lines.toString());
  }

  @Test
  void whatTheServerHeldLastCounts() {
    addThreeRounds();

    List<String> lines = results.tables();

    assertTrue(lines.contains("| resident, MB | 150.0 | 150.0 | 150.0 |"), lines.toString());
    assertTrue(lines.contains("| open files | 30 | 80 | 31 |"), lines.toString());
  }

  @Test
  void aServersErrorAndNoAnswerAreFaults() {
    addThreeRounds();
    assertTrue(results.isSound());
    tally.add(HostileKind.NO_HTTP, HostileOutcome.FAILED);
    assertFalse(results.isSound());
  }

  @Test
  void theCaptionSaysWhatItWasMeasuredOn() {
    addThreeRounds();

    String caption = results.tables().getLast();

    for (String part : List.of("a CPU", "abc123", "aot avx2", "d1", "200.0", "seed 42")) {
      assertTrue(caption.contains(part), caption);
    }
  }

  @Test
  void theFieldsHaveEveryRoundAndEveryCount() {
    addThreeRounds();

    Map<String, Object> beside = results.fields().getLast();

    assertEquals("beside", beside.get("scenario"));
    var firstToken = (Map<?, ?>) beside.get("first_token_p99_ms");
    assertEquals(List.of(20.0, 40.0, 60.0), firstToken.get("rounds"));
    assertEquals(2.0, ((Map<?, ?>) firstToken.get("ratio_to_alone")).get("median"));
    var counts = (Map<?, ?>) ((Map<?, ?>) beside.get("hostile_requests")).get("no_http");
    assertEquals(2, counts.get("refused"));
    assertFalse(results.fields().getFirst().containsKey("hostile_requests"));
  }
}
