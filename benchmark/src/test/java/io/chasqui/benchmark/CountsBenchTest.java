package io.chasqui.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Changes;
import io.chasqui.benchmark.results.Environment;
import io.chasqui.benchmark.results.Measurement;
import io.chasqui.benchmark.results.Results;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/** Counts are no measurements: they are the same each time. */
class CountsBenchTest {
  private static final Results ONCE = run();

  private static Results run() {
    return CountsBench.run(new Environment(Instant.EPOCH, "c", "cpu", 1, 1, 1, "os", "jvm"));
  }

  private static double count(Results results, String group, String quantity) {
    return results.measurements().stream()
        .filter(each -> each.group().equals(group) && each.quantity().name().equals(quantity))
        .mapToDouble(Measurement::median)
        .findAny()
        .orElseThrow();
  }

  @Test
  void theyAreTheSameEachTime() {
    assertEquals(ONCE, run());
  }

  /** A change that is meant brings a new record: ./chasqui bench counts --record. */
  @Test
  void theyAreThoseOfTheRecord() throws IOException {
    Results record = Results.read(Path.of("results", "counts.json"));

    for (Changes.Change change : new Changes(record, ONCE).all()) {
      assertEquals(Changes.Verdict.SAME, change.verdict(), change.title() + ": " + change.text());
    }
  }

  @Test
  void theyShowWhatSharingAndGuessingSave() {
    double cached = count(ONCE, "prompts that begin alike", "those of them from the prefix cache");
    assertTrue(cached > 0, "cached " + cached);
    double steps = count(ONCE, "eight choices, sampled", "steps");
    double tokens = count(ONCE, "eight choices, sampled", "tokens of answers");
    assertTrue(steps < tokens / 4, steps + " steps for " + tokens + " tokens");
  }
}
