package io.chasqui.benchmark.autoscaling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.autoscaling.Simulation.Setup;
import io.chasqui.benchmark.autoscaling.Timeline.Series;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.Test;

class SimulationTest {
  private static final double LONG = 400_000;
  private static final double WARM_UP = 1000;

  /** A step takes 5 ms, so that an answer of 200 tokens takes a second. */
  private static final ServiceTimes CONSTANT = new ServiceTimes(Map.of(1, 5.0, 128, 5.0));

  /** Steps share a processor: each token takes 5 ms. */
  private static final ServiceTimes SHARED = new ServiceTimes(Map.of(1, 5.0, 128, 640.0));

  private static final Lengths SECOND = new Lengths(1, 200);

  private static Setup setup(
      ServiceTimes times, int slots, Traffic traffic, double warmUp, long seed) {
    return new Setup(times, slots, SECOND, 1, traffic, warmUp, Limits.CHAT, seed);
  }

  private static long newSeed() {
    long seed = ThreadLocalRandom.current().nextLong();
    System.out.println("SimulationTest: seed " + seed);
    return seed;
  }

  /** The probability that a request waits, of c servers and a load of a: Erlang's C formula. */
  private static double erlangC(int c, double a) {
    double inverse = 0;
    double term = 1;
    for (int k = 0; k < c; k++) {
      inverse += term;
      term *= a / (k + 1);
    }
    double waiting = term / (1 - a / c);
    return waiting / (inverse + waiting);
  }

  @Test
  void podsOfOneSlotBehindTheActivatorAreAQueueWithSeveralServers() {
    int pods = 4;
    double rate = 3;
    Scaling scaling = Scaling.defaults(1).withTargetBurstCapacity(-1).withPods(pods, pods, pods);

    Outcome outcome =
        Simulation.run(scaling, setup(CONSTANT, 1, Traffic.steady(rate, LONG), WARM_UP, newSeed()));

    double wait = erlangC(pods, rate) / (pods - rate);
    assertEquals(wait, outcome.firstToken().mean() - 0.005, 0.06 * wait);
    assertEquals(1 + wait, outcome.total().mean(), 0.04 * (1 + wait));
    assertEquals(pods, outcome.meanPods(), 1e-6);
  }

  @Test
  void aPodWhoseStepsTakeAsLongAsTheirTokensSharesItsProcessor() {
    double load = 0.6;
    Scaling scaling = Scaling.defaults(1000).withPods(1, 1, 1);

    Outcome outcome =
        Simulation.run(
            scaling, setup(SHARED, 1000, Traffic.steady(load, LONG), WARM_UP, newSeed()));

    // M/G/1 with processor sharing: the mean time is that alone divided by what is left.
    double expected = 1 / (1 - load);
    assertEquals(expected, outcome.total().mean(), 0.05 * expected);
  }

  @Test
  void littlesLawHoldsWhilePodsComeAndGo() {
    double hour = 3600;
    Traffic bursts = Traffic.bursts(1, 10, 300, 60, 10 * hour);

    Outcome outcome =
        Simulation.run(Scaling.defaults(4), setup(CONSTANT, 4, bursts, hour, newSeed()));

    double rate = outcome.requests() / outcome.seconds();
    assertEquals(bursts.meanRate(), rate, 0.05 * rate);
    assertEquals(
        rate * outcome.total().mean(), outcome.meanRequests(), 0.01 * outcome.meanRequests());
    assertTrue(outcome.podStarts() > 10, () -> outcome.podStarts() + " starts");
    assertEquals(0, outcome.refused());
  }

  @Test
  void theSameSeedGivesTheSameOutcome() {
    Traffic traffic = Traffic.bursts(1, 10, 300, 60, 1800);
    Setup setup = setup(ServiceTimes.MEASURED, 16, traffic, 0, 7);

    Outcome first = Simulation.run(Scaling.defaults(8), setup);
    Outcome second = Simulation.run(Scaling.defaults(8), setup);

    assertEquals(first.podHours(), second.podHours());
    assertEquals(first.total().mean(), second.total().mean());
  }

  /** Requests that come in the tenth second. */
  private static final Traffic ONCE =
      new Traffic("once", 300, time -> 9 <= time && time < 10 ? 20 : 0, 20);

  private static int lastSecond(Outcome outcome, Series series) {
    double[] counts = outcome.timeline().means(series, 0, 300, 1);
    int last = counts.length - 1;
    while (counts[last] == 0) {
      last--;
    }
    return last;
  }

  @Test
  void whoMeetsNoPodWaitsForTheColdStart() {
    Setup setup = setup(CONSTANT, 16, ONCE, 0, 3);

    Outcome outcome = Simulation.run(Scaling.defaults(16), setup);

    int cold = outcome.coldFirstToken().count();
    assertTrue(cold > 2, () -> cold + " of " + outcome.requests());
    // The first one starts the pod; the others come within a second.
    assertEquals(1 + 0.005, outcome.coldFirstToken().percentile(1), 1e-9);
  }

  @Test
  void theLastPodGoesAWindowAfterTheLastRequest() {
    Setup setup = setup(CONSTANT, 16, ONCE, 0, 3);
    Outcome proxied = Simulation.run(Scaling.defaults(16).withTargetBurstCapacity(-1), setup);
    Outcome direct = Simulation.run(Scaling.defaults(16).withTargetBurstCapacity(0), setup);

    int idle = lastSecond(proxied, Series.REQUESTS);

    assertEquals(idle + 61, lastSecond(proxied, Series.READY), 2);
    // The activator comes into the path, and 30 s pass.
    assertEquals(idle + 91, lastSecond(direct, Series.READY), 2);
    assertEquals(1, proxied.podStarts());
  }

  @Test
  void aFullActivatorRefuses() {
    Traffic flood = new Traffic("flood", 10, time -> 20_000, 20_000);
    Scaling scaling = Scaling.defaults(1).withTargetBurstCapacity(-1).withPods(1, 1, 1);

    Outcome outcome = Simulation.run(scaling, setup(CONSTANT, 1, flood, 0, 3));

    // What is held, what runs, and the few answers of ten seconds.
    assertEquals(10_000 + 10, outcome.total().count(), 20);
    assertEquals(200_000 - 10_000, outcome.refused(), 3000);
  }

  @Test
  void aFullQueueProxyRefuses() {
    Traffic flood = new Traffic("flood", 10, time -> 1000, 1000);
    Scaling scaling = Scaling.defaults(2).withTargetBurstCapacity(0).withPods(1, 1, 1);

    Outcome outcome = Simulation.run(scaling, setup(CONSTANT, 2, flood, 0, 3));

    assertEquals(2 + 20 + 20, outcome.total().count(), 20);
  }
}
