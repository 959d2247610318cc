package io.chasqui.benchmark.autoscaling;

import io.chasqui.benchmark.autoscaling.Timeline.Series;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;

/**
 * A discrete-event simulation of one revision on Knative: requests, activator, pods, autoscaler.
 * The same seed gives the same outcome, and the same requests whatever the scaling is.
 *
 * <p>As in Knative Serving:
 *
 * <ul>
 *   <li>The autoscaler decides every two seconds, and at once when a request comes and nothing was
 *       wanted: {@link PodAutoscaler}, {@link PodScaler}. Its metric is the mean number of requests
 *       in the system in each second, those that wait in the activator included; what runs in a pod
 *       that terminates and came past the activator is not seen.
 *   <li>The activator holds up to 10,000 requests and gives a pod no more than containerConcurrency
 *       of them: the first pod that has room up to a containerConcurrency of 3, else pods in turn.
 *       One more is answered with 503.
 *   <li>queue-proxy lets containerConcurrency requests into the container and holds ten times as
 *       many; one more is answered with 503.
 *   <li>A pod is ready a cold start after it is wanted. One that is taken away, those that start
 *       first and then the youngest, gets no new requests and ends when its answers are complete,
 *       after 30 s at least.
 * </ul>
 *
 * <p>Simplified: one activator, with no limit of its own, which knows at once of each pod; past it
 * each request goes to a ready pod at random, as many gateways that know nothing of each other
 * would send them; a cold start always takes the same time, and there is always a node for a pod;
 * nothing fails, nobody hangs up or tries again; streams have no time limit.
 */
public final class Simulation {
  private static final int TICK = 2;
  private static final int ACTIVATOR_QUEUE = 10_000;
  private static final int QUEUE_PROXY_FACTOR = 10;
  private static final int FIRST_AVAILABLE_MOST = 3;
  private static final double DRAIN_SECONDS = 30;

  private final Scaling scaling;
  private final Setup setup;
  private final SplittableRandom arrivals;
  private final SplittableRandom lengths;
  private final SplittableRandom routes;
  private final PodAutoscaler autoscaler;
  private final PodScaler scaler;

  private final PriorityQueue<Event> events = new PriorityQueue<>();
  private final Deque<Request> held = new ArrayDeque<>();
  private final List<Pod> starting = new ArrayList<>();
  private final List<Pod> ready = new ArrayList<>();

  /** Of the ready pods those that the activator may give a request. */
  private final BitSet room = new BitSet();

  private long eventNumber;
  private int lastIndex = -1;
  private int wanted;
  private double clock;
  private int second = 1;

  private int requests;
  private int unseen;
  private double secondArea;
  private int secondArrivals;

  private final Timeline timeline;
  private final DoubleStream.Builder firstToken = DoubleStream.builder();
  private final DoubleStream.Builder perToken = DoubleStream.builder();
  private final DoubleStream.Builder total = DoubleStream.builder();
  private final DoubleStream.Builder coldFirstToken = DoubleStream.builder();
  private double requestSeconds;
  private double podSeconds;
  private int refused;
  private int good;
  private int mostPods;
  private int podStarts;

  /**
   * What is simulated, besides the scaling.
   *
   * @param slots requests that a pod runs at once; those beyond them wait in it
   * @param coldStart seconds from the decision until a pod is ready
   * @param warmUp seconds at the begin that are not measured
   */
  public record Setup(
      ServiceTimes times,
      int slots,
      Lengths lengths,
      double coldStart,
      Traffic traffic,
      double warmUp,
      Limits limits,
      long seed) {
    /**
     * @throws IllegalArgumentException if a number is out of its range
     */
    public Setup {
      if (slots < 1) {
        throw new IllegalArgumentException("a pod needs at least one slot");
      }
      if (!(coldStart >= 0)) {
        throw new IllegalArgumentException("a cold start takes no less than 0 s");
      }
      if (!(0 <= warmUp && warmUp < traffic.seconds())) {
        throw new IllegalArgumentException("the warm-up must be shorter than the traffic");
      }
    }
  }

  /** An event of a pod, which counts if the pod's next one is still at this time. */
  private record Event(double time, long number, Pod pod) implements Comparable<Event> {
    @Override
    public int compareTo(Event other) {
      int order = Double.compare(time, other.time);
      return order == 0 ? Long.compare(number, other.number) : order;
    }
  }

  private Simulation(Scaling scaling, Setup setup) {
    this.scaling = scaling;
    this.setup = setup;
    var seeds = new SplittableRandom(setup.seed());
    arrivals = seeds.split();
    lengths = seeds.split();
    routes = seeds.split();
    autoscaler = new PodAutoscaler(scaling, scaling.initialScale());
    scaler = new PodScaler(scaling);
    wanted = scaling.initialScale();
    timeline = new Timeline((int) Math.ceil(setup.traffic().seconds()));
    for (int i = 0; i < scaling.initialScale(); i++) {
      welcome(newPod(0));
    }
  }

  /** Simulates until the last request is answered. */
  public static Outcome run(Scaling scaling, Setup setup) {
    return new Simulation(scaling, setup).run();
  }

  private Outcome run() {
    double arrival = setup.traffic().next(0, arrivals);
    while (clock < setup.traffic().seconds() || requests > 0) {
      double event = events.isEmpty() ? Pod.NEVER : events.peek().time();
      if (second <= Math.min(arrival, event)) {
        advance(second);
        endSecond();
      } else if (arrival <= event) {
        advance(arrival);
        arrive();
        arrival = setup.traffic().next(arrival, arrivals);
      } else {
        happen(events.poll());
      }
    }
    starting.forEach(pod -> retire(pod, clock));
    ready.forEach(pod -> retire(pod, clock));
    return outcome();
  }

  private Outcome outcome() {
    return new Outcome(
        setup.traffic().seconds() - setup.warmUp(),
        refused,
        requestSeconds / (setup.traffic().seconds() - setup.warmUp()),
        podSeconds / 3600,
        mostPods,
        podStarts,
        new Outcome.Times(firstToken.build().toArray()),
        new Outcome.Times(perToken.build().toArray()),
        new Outcome.Times(total.build().toArray()),
        new Outcome.Times(coldFirstToken.build().toArray()),
        good,
        timeline);
  }

  /** The part of a time that is measured. */
  private double measured(double begin, double end) {
    return Math.max(0, Math.min(end, setup.traffic().seconds()) - Math.max(begin, setup.warmUp()));
  }

  private boolean isMeasured(double time) {
    return setup.warmUp() <= time && time < setup.traffic().seconds();
  }

  private void advance(double time) {
    requestSeconds += requests * measured(clock, time);
    secondArea += (requests - unseen) * (time - clock);
    clock = time;
  }

  private void endSecond() {
    if (!ready.isEmpty() || secondArea > 0) {
      autoscaler.record(second, secondArea);
    }
    if (second % TICK == 0) {
      decide();
    }
    timeline.set(second - 1, Series.ARRIVALS, secondArrivals);
    timeline.set(second - 1, Series.REQUESTS, requests);
    timeline.set(second - 1, Series.READY, ready.size());
    timeline.set(second - 1, Series.PODS, ready.size() + starting.size());
    secondArea = 0;
    secondArrivals = 0;
    second++;
  }

  private void arrive() {
    Request request = setup.lengths().draw(clock, lengths);
    request.isCold = ready.isEmpty();
    secondArrivals++;
    if (wanted == 0) {
      // The activator tells the autoscaler of the first request at once.
      autoscaler.record(second - 1, 1);
      decide();
    }
    if (scaler.isProxied() || ready.isEmpty()) {
      request.isProxied = true;
      if (room.isEmpty() && held.size() >= ACTIVATOR_QUEUE) {
        refuse(request);
        return;
      }
      requests++;
      held.add(request);
      release();
    } else {
      Pod pod = ready.get(routes.nextInt(ready.size()));
      if (pod.requests() >= (1 + QUEUE_PROXY_FACTOR) * scaling.containerConcurrency()) {
        refuse(request);
        return;
      }
      requests++;
      pod.direct++;
      give(pod, request);
    }
  }

  private void refuse(Request request) {
    if (isMeasured(request.arrival)) {
      refused++;
    }
  }

  /** The activator gives pods what it holds, as long as one has room. */
  private void release() {
    while (!held.isEmpty() && !room.isEmpty()) {
      Pod pod = ready.get(nextWithRoom());
      pod.proxied++;
      tellRoom(pod);
      give(pod, held.removeFirst());
    }
  }

  private int nextWithRoom() {
    if (scaling.containerConcurrency() <= FIRST_AVAILABLE_MOST) {
      return room.nextSetBit(0);
    }
    int next = room.nextSetBit(lastIndex + 1);
    lastIndex = next >= 0 ? next : room.nextSetBit(0);
    return lastIndex;
  }

  private void give(Pod pod, Request request) {
    double next = pod.next;
    pod.add(request, clock);
    if (pod.next != next) {
      await(pod);
    }
  }

  private void await(Pod pod) {
    if (pod.next != Pod.NEVER) {
      events.add(new Event(pod.next, eventNumber++, pod));
    }
  }

  private void happen(Event event) {
    Pod pod = event.pod();
    if (pod.next != event.time()) {
      return;
    }
    advance(event.time());
    if (pod.state == Pod.State.STARTING) {
      starting.remove(pod);
      welcome(pod);
    } else {
      pod.endSteps(request -> complete(pod, request));
      await(pod);
    }
    release();
  }

  private void complete(Pod pod, Request request) {
    boolean isTerminating = pod.state == Pod.State.TERMINATING;
    requests--;
    if (request.isProxied) {
      pod.proxied--;
      if (!isTerminating) {
        tellRoom(pod);
      }
    } else {
      pod.direct--;
      unseen -= isTerminating ? 1 : 0;
    }
    if (isTerminating && pod.requests() == 0) {
      retire(pod, Math.max(clock, pod.terminated + DRAIN_SECONDS));
    }
    measure(request);
  }

  private void measure(Request request) {
    if (!isMeasured(request.arrival)) {
      return;
    }
    double first = request.firstToken - request.arrival;
    double each = 0;
    if (request.answer > 1) {
      each = (clock - request.firstToken) / (request.answer - 1);
      perToken.add(each);
    }
    firstToken.add(first);
    total.add(clock - request.arrival);
    if (request.isCold) {
      coldFirstToken.add(first);
    }
    if (first <= setup.limits().firstToken() && each <= setup.limits().perToken()) {
      good++;
    }
  }

  private void decide() {
    autoscaler
        .decide((long) clock, ready.size())
        .ifPresent(decision -> {
          scaler.scale(clock, decision, ready.size()).ifPresent(this::resize);
          wanted = Math.max(decision.pods(), scaling.minScale());
        });
  }

  private void resize(int pods) {
    while (starting.size() + ready.size() < pods) {
      Pod pod = newPod(setup.coldStart());
      starting.add(pod);
      await(pod);
      if (isMeasured(clock)) {
        podStarts++;
      }
    }
    while (starting.size() + ready.size() > pods && !starting.isEmpty()) {
      Pod pod = starting.removeLast();
      pod.next = Pod.NEVER;
      retire(pod, clock);
    }
    while (ready.size() > pods) {
      terminate(ready.removeLast());
    }
    mostPods = isMeasured(clock) ? Math.max(mostPods, pods) : mostPods;
  }

  private Pod newPod(double coldStart) {
    int running = Math.min(setup.slots(), scaling.containerConcurrency());
    return new Pod(setup.times(), running, clock, clock + coldStart);
  }

  private void welcome(Pod pod) {
    pod.becomeReady();
    pod.index = ready.size();
    ready.add(pod);
    tellRoom(pod);
  }

  private void terminate(Pod pod) {
    pod.state = Pod.State.TERMINATING;
    pod.terminated = clock;
    room.clear(pod.index);
    unseen += pod.direct;
    if (pod.requests() == 0) {
      retire(pod, clock + DRAIN_SECONDS);
    }
  }

  private void retire(Pod pod, double end) {
    podSeconds += measured(pod.created, end);
  }

  private void tellRoom(Pod pod) {
    room.set(pod.index, pod.proxied < scaling.containerConcurrency());
  }
}
