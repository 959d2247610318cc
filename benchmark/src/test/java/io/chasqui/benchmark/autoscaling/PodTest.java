package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Steps that take 10 ms a token, computed by hand. */
class PodTest {
  private static final ServiceTimes TIMES = new ServiceTimes(Map.of(1, 10.0, 128, 1280.0));
  private static final double EXACTLY = 1e-9;

  private final Map<Request, Double> ends = new LinkedHashMap<>();

  private static Pod pod(int slots) {
    var pod = new Pod(TIMES, slots, 0, 0);
    pod.becomeReady();
    return pod;
  }

  private void run(Pod pod, double until) {
    while (pod.next < until) {
      double now = pod.next;
      pod.endSteps(request -> ends.put(request, now));
    }
  }

  private void runToTheEnd(Pod pod) {
    run(pod, Pod.NEVER);
  }

  @Test
  void thePromptsLastStepGivesTheFirstToken() {
    Pod pod = pod(4);
    var request = new Request(1, 4, 3);

    pod.add(request, 1);
    runToTheEnd(pod);

    assertEquals(1.04, request.firstToken, EXACTLY);
    assertEquals(1.06, ends.get(request), EXACTLY);
  }

  @Test
  void aLongPromptTakesSeveralSteps() {
    Pod pod = pod(4);
    var request = new Request(0, 300, 1);

    pod.add(request, 0);
    assertEquals(2 * 1.28, pod.next, EXACTLY); // two full steps of 128 tokens
    runToTheEnd(pod);

    assertEquals(3.0, request.firstToken, EXACTLY);
    assertEquals(3.0, ends.get(request), EXACTLY);
  }

  @Test
  void whoComesDuringAStepIsInTheNextOne() {
    Pod pod = pod(4);
    var first = new Request(0, 4, 3);
    var second = new Request(0.005, 4, 3);

    pod.add(first, 0);
    pod.add(second, 0.005);
    runToTheEnd(pod);

    assertEquals(0.04, first.firstToken, EXACTLY);
    // A step of the first stream and 0.7 * (1 + 4), rounded, of the prompt.
    assertEquals(0.09, second.firstToken, EXACTLY);
    assertEquals(0.11, ends.get(first), EXACTLY);
    assertEquals(0.12, ends.get(second), EXACTLY);
  }

  @Test
  void stepsThatAreAlikeAreCutShortByWhoComes() {
    Pod pod = pod(4);
    var first = new Request(0, 1, 101);
    pod.add(first, 0);
    run(pod, 0.011);
    assertEquals(1.01, pod.next, EXACTLY);

    var second = new Request(0.5, 3, 1);
    pod.add(second, 0.505);
    assertEquals(0.51, pod.next, EXACTLY);
    runToTheEnd(pod);

    assertEquals(0.55, second.firstToken, EXACTLY);
    assertEquals(1.04, ends.get(first), EXACTLY); // the step of 40 ms took its time
  }

  @Test
  void whoFindsNoSlotWaits() {
    Pod pod = pod(1);
    var first = new Request(0, 1, 10);
    var second = new Request(0, 1, 10);

    pod.add(first, 0);
    pod.add(second, 0);
    runToTheEnd(pod);

    assertEquals(0.1, ends.get(first), EXACTLY);
    assertEquals(0.11, second.firstToken, EXACTLY);
    assertEquals(0.2, ends.get(second), EXACTLY);
  }
}
