package io.chasqui.benchmark.abuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class HostileTallyTest {
  private final HostileTally tally = new HostileTally();

  private Map<String, Double> counts() {
    Results.Builder results = Results.begin("abuse", 1, null);
    tally.addTo(results, "hostile requests", "beside");
    return results.build().measurements().stream()
        .collect(Collectors.toMap(each -> each.quantity().name(), Measurement::median));
  }

  @Test
  void outcomesAreCountedInAllAndOfEachKindThatHadThem() {
    tally.add(HostileKind.NO_HTTP, HostileOutcome.REFUSED);
    tally.add(HostileKind.NO_HTTP, HostileOutcome.REFUSED);
    tally.add(HostileKind.RESET, HostileOutcome.LEFT);

    Map<String, Double> counts = counts();

    assertEquals(2, counts.get("random bytes for HTTP: 4xx"));
    assertEquals(2, counts.get("all: 4xx"));
    assertEquals(1, counts.get("all: client left"));
    assertEquals(0, counts.get("all: no answer"));
    assertEquals(HostileOutcome.values().length + 2, counts.size());
  }

  @Test
  void aServersErrorAndNoAnswerAreFaults() {
    for (HostileOutcome outcome : HostileOutcome.values()) {
      var one = new HostileTally();
      one.add(HostileKind.NO_HTTP, outcome);
      assertEquals(!outcome.isFault(), one.isSound());
    }
    assertTrue(HostileOutcome.UNANSWERED.isFault() && HostileOutcome.FAILED.isFault());
    assertFalse(HostileOutcome.CLOSED.isFault());
  }
}
