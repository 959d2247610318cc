package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.servers.OngoingStreams;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.TokenTimes;
import io.chasqui.benchmark.streams.StreamMeter;
import io.chasqui.benchmark.streams.StreamQuantity;
import io.chasqui.benchmark.streams.StreamStatistics;
import java.io.IOException;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;

/** Measures the streams of one server, alone, and beside hostile or greedy requests. */
final class AbuseMeter {
  /**
   * What is sent in a round.
   *
   * @param streams that run at once
   * @param requests hostile ones
   * @param perSecond how many of these
   */
  record Load(int streams, int requests, double perSecond) {
    private long nanos() {
      return (long) (requests * 1e9 / perSecond);
    }
  }

  /**
   * What streams beside hostile requests came to.
   *
   * @param perSecond hostile requests that were sent
   * @param held what the server held when the last was sent
   */
  record Beside(Map<StreamQuantity, Double> numbers, double perSecond, Server.Holdings held) {}

  private final Server server;
  private final StreamMeter meter;
  private final Load load;
  private final HostileTally tally;
  private final SplittableRandom random;

  /**
   * @param meter of the same server
   * @param tally is told what becomes of hostile requests
   * @param random what all requests are drawn with
   */
  AbuseMeter(
      Server server, StreamMeter meter, Load load, HostileTally tally, SplittableRandom random) {
    this.server = server;
    this.meter = meter;
    this.load = load;
    this.tally = tally;
    this.random = random;
  }

  /**
   * Runs the streams for as long as a round of hostile requests takes.
   *
   * @throws IOException if one of them is not answered as it was asked for
   */
  Map<StreamQuantity, Double> alone() throws IOException, InterruptedException {
    try (OngoingStreams streams = meter.ongoing(load.streams(), random.split())) {
      TimeUnit.NANOSECONDS.sleep(load.nanos());
      return latencies(streams);
    }
  }

  /**
   * Runs the streams while a round of hostile requests is sent.
   *
   * @throws IOException if one of the streams is not answered as it was asked for
   */
  Beside beside() throws IOException, InterruptedException {
    try (OngoingStreams streams = meter.ongoing(load.streams(), random.split());
        var clients = new HostileClients(server.address(), tally)) {
      double perSecond =
          clients.send(new HostileRequests(random.split()), load.requests(), load.perSecond());
      Server.Holdings held = server.holdings();
      Map<StreamQuantity, Double> numbers = latencies(streams);
      clients.finish();
      return new Beside(numbers, perSecond, held);
    }
  }

  /**
   * What streams beside greedy clients came to.
   *
   * @param faults requests of these that were answered with a server's error, or not at all
   */
  record Greedy(Map<StreamQuantity, Double> numbers, int faults) {}

  /**
   * Runs the streams for as long as a round of hostile requests takes, beside a greedy client for
   * each body.
   *
   * @throws IOException if one of the streams is not answered as it was asked for
   */
  Greedy besideGreedy(URI url, List<String> bodies) throws IOException, InterruptedException {
    try (OngoingStreams streams = meter.ongoing(load.streams(), random.split());
        var clients = new GreedyClients(url, bodies)) {
      TimeUnit.NANOSECONDS.sleep(load.nanos());
      return new Greedy(latencies(streams), clients.faults());
    }
  }

  private static Map<StreamQuantity, Double> latencies(OngoingStreams streams)
      throws IOException, InterruptedException {
    long until = System.nanoTime();
    List<TokenTimes> times = streams.end();
    return StreamStatistics.latencies(times, until);
  }
}
