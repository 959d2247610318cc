package io.chasqui.benchmark.results;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.results.Changes.Change;
import io.chasqui.benchmark.results.Changes.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** A change is told where it is more than noise, and only of the same thing. */
class ChangesTest {
  private static final Quantity SPEED = Quantity.higher("decode", "tokens/s", 1);
  private static final Quantity WAIT = Quantity.lower("TTFT", "ms", 1);
  private static final Quantity STEPS = Quantity.exact("steps");

  private static final Environment HERE = ResultsTest.environment();
  private static final Subject OURS = Subject.of("jvm", "JVM").on("25", "avx2", 2);

  private static Results run(Environment on, Subject subject, Quantity of, double... values) {
    Results.Builder run = Results.begin("model", 1, on).subject(subject);
    for (double value : values) {
      run.add("group", of, subject.id(), value);
    }
    return run.build();
  }

  private static Results run(Quantity of, double... values) {
    return run(HERE, OURS, of, values);
  }

  private static Change only(Results before, Results after) {
    List<Change> changes = new Changes(before, after).all();
    assertEquals(1, changes.size());
    return changes.getFirst();
  }

  private static Verdict verdict(Results before, Results after) {
    return only(before, after).verdict();
  }

  @Test
  void whatIsBetterDependsOnTheQuantity() {
    assertEquals(Verdict.BETTER, verdict(run(SPEED, 10, 11, 12), run(SPEED, 13, 14, 15)));
    assertEquals(Verdict.WORSE, verdict(run(SPEED, 13, 14, 15), run(SPEED, 10, 11, 12)));
    assertEquals(Verdict.WORSE, verdict(run(WAIT, 10, 11, 12), run(WAIT, 13, 14, 15)));
    assertEquals(Verdict.BETTER, verdict(run(WAIT, 13, 14, 15), run(WAIT, 10, 11, 12)));
  }

  @Test
  void rangesThatMeetAndSmallChangesAreNoise() {
    assertEquals(Verdict.SAME, verdict(run(SPEED, 10, 11, 13), run(SPEED, 13, 14, 15)));
    assertEquals(Verdict.SAME, verdict(run(SPEED, 100, 100, 100), run(SPEED, 102, 102, 102)));
    assertEquals(Verdict.BETTER, verdict(run(SPEED, 100, 100, 100), run(SPEED, 104, 104, 104)));
  }

  @Test
  void whatWasMeasuredTwiceIsNotJudged() {
    assertEquals(Verdict.UNKNOWN, verdict(run(SPEED, 10, 11), run(SPEED, 1, 2, 3)));
  }

  @Test
  void aCountIsTheSameOrAnotherOneOnEveryMachine() {
    var elsewhere = withCpu("another");
    assertEquals(Verdict.SAME, verdict(run(STEPS, 7), run(elsewhere, OURS, STEPS, 7)));
    assertEquals(Verdict.OTHER, verdict(run(STEPS, 7), run(elsewhere, OURS, STEPS, 8)));
  }

  private static Environment withCpu(String cpu) {
    return new Environment(
        HERE.time().plus(Duration.ofDays(1)),
        "def",
        cpu,
        HERE.processors(),
        HERE.memory(),
        HERE.memoryBandwidth(),
        HERE.os(),
        HERE.jvm());
  }

  @Test
  void whatOnlyDescribesARunIsNoChange() {
    Quantity streams = Quantity.count("streams");

    assertEquals(Verdict.SAME, verdict(run(streams, 1, 2, 3), run(streams, 7, 8, 9)));
  }

  @Test
  void differentThingsAreNotComparedButTold() {
    Results old = run(SPEED, 1, 2, 3);
    requireIncomparable(old, run(withCpu("another"), OURS, SPEED, 1, 2, 3), "another processor");
    requireIncomparable(old, run(HERE, OURS.on("25", "avx512", 2), SPEED, 1), "another kernels");
    requireIncomparable(
        old, run(HERE, OURS.with("m", "digest", 1, "Q4", "f16"), SPEED, 1), "another weights");
    UnaryOperator<Subject> threads = subject -> subject.on("25", "avx2", 4);
    requireIncomparable(old, run(HERE, threads.apply(OURS), SPEED, 1), "another number of threads");
  }

  private static void requireIncomparable(Results old, Results now, String why) {
    Change change = only(old, now);
    assertEquals(Verdict.INCOMPARABLE, change.verdict());
    assertTrue(change.text().startsWith(why), change.text());
  }

  @Test
  void theCommitAndTheTimeMakeNoDifference() {
    Environment later =
        new Environment(
            HERE.time().plusSeconds(9),
            "another",
            HERE.cpu(),
            HERE.processors(),
            HERE.memory(),
            HERE.memoryBandwidth() + 1,
            HERE.os(),
            HERE.jvm());
    assertEquals(Verdict.SAME, verdict(run(SPEED, 1, 2, 3), run(later, OURS, SPEED, 1, 2, 3)));
  }

  @Test
  void whatIsNotMeasuredAnyMoreIsTold() {
    assertEquals(Verdict.GONE, verdict(run(SPEED, 1), run(WAIT, 1)));
  }

  @Test
  void otherScenariosAreRefused() {
    Results other = Results.begin("serve", 1, HERE).build();

    assertThrows(IllegalArgumentException.class, () -> new Changes(run(SPEED, 1), other));
  }
}
