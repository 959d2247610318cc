package io.chasqui.benchmark.serve;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The load of a server at a rate.
 *
 * @param burst requests of a burst
 * @param seconds that are measured
 * @param warmUp seconds before them
 * @param timeout of each answer
 * @param seed of what is chosen for the warm-up
 */
record ServeLoad(
    Arrivals arrivals, int burst, double seconds, double warmUp, Duration timeout, long seed) {
  /** Answers that run at once where servers are compared. */
  static final int SLOTS = 16;

  private static final double SECOND = 1e9;

  /** Time to begin, so that the first request is not late. */
  private static final long LEAD_NANOS = 20_000_000;

  /**
   * A server and what it is asked.
   *
   * @param requests of which those that are sent are chosen at random, each as often as others
   */
  record Target(String id, Endpoint endpoint, List<Request> requests) {}

  /**
   * Sends one request after the other.
   *
   * @throws IOException if one is not answered
   */
  void warmUp(Target target) throws IOException, InterruptedException {
    var random = new SplittableRandom(seed);
    long end = System.nanoTime() + nanos(warmUp);
    do {
      List<OpenLoop.Timed> one = List.of(new OpenLoop.Timed(0, choose(target, random)));
      Answer answer = OpenLoop.run(target.endpoint(), one, System.nanoTime(), timeout).getFirst();
      if (!answer.isComplete()) {
        throw new IOException(
            "%s does not answer a single request, %s: %s"
                .formatted(target.id(), answer.outcome(), answer.message()));
      }
    } while (System.nanoTime() < end);
  }

  /**
   * Sends requests at a rate and waits for all answers.
   *
   * @param seed of their times and the choice of prompts: equal seeds give equal requests
   */
  LoadStatistics measure(Target target, double rate, long seed) throws InterruptedException {
    List<OpenLoop.Timed> requests = schedule(target, rate, seed);
    long begin = System.nanoTime() + LEAD_NANOS;
    List<Answer> answers = OpenLoop.run(target.endpoint(), requests, begin, timeout);
    return new LoadStatistics(
        answers, begin + nanos(warmUp), begin + nanos(warmUp) + nanos(seconds));
  }

  List<OpenLoop.Timed> schedule(Target target, double rate, long seed) {
    var random = new SplittableRandom(seed);
    SplittableRandom prompts = random.split();
    return Arrays.stream(arrivals.times(rate, warmUp + seconds, burst, random))
        .mapToObj(time -> new OpenLoop.Timed(time, choose(target, prompts)))
        .toList();
  }

  private static Request choose(Target target, SplittableRandom random) {
    return target.requests().get(random.nextInt(target.requests().size()));
  }

  private static long nanos(double seconds) {
    return Math.round(seconds * SECOND);
  }
}
