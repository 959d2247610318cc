package io.chasqui.benchmark.soak;

import io.chasqui.benchmark.servers.ConcurrentStreams;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.ServerMetrics;
import io.chasqui.benchmark.streams.StreamMeter;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The course of a soak: KV blocks are filled, so that all their memory is there; then come warm-up,
 * a rest, the counted time, and a rest again. The rests are not part of the duration.
 */
final class Soak {
  /** Of the whole duration; a fifth of them are of the warm-up. */
  static final int SAMPLES = 30;

  private static final int WARM_UP_SAMPLES = SAMPLES / 5;

  /** After so long the threads of a pool that nobody needs have ended, and idle connections. */
  private static final int SECONDS_OF_REST = 40;

  private static final double MINUTE = 60e9;

  private final Server server;
  private final LatencyWindow latencies = new LatencyWindow();
  private final AtomicLong answered = new AtomicLong();
  private final List<SoakRequests> requests;
  private final int sequences;
  private final List<SoakSample> warmUp = new ArrayList<>();
  private final List<SoakSample> counted = new ArrayList<>();
  private SoakSample before;
  private SoakSample after;
  private long begin;

  /**
   * @param tokenizer of the model that the server serves
   * @param clients that send requests
   */
  Soak(Server server, Tokenizer tokenizer, int clients, long seed)
      throws IOException, InterruptedException {
    this.server = server;
    ServerMetrics metrics = ServerMetrics.of(server);
    int context = metrics.context();
    sequences = metrics.sequences();
    int token = StreamMeter.token(tokenizer.encodeOrdinary(StreamMeter.TEXT));
    var random = new SplittableRandom(seed);
    requests =
        Stream.generate(
                () -> new SoakRequests(random.split(), context, tokenizer.vocabularySize(), token))
            .limit(clients)
            .toList();
  }

  /**
   * Runs once.
   *
   * @param progress is told what runs
   * @throws IOException if an answer is not as it was asked for
   */
  SoakDrift run(Duration duration, Consumer<String> progress)
      throws IOException, InterruptedException {
    long nanos = duration.toNanos() / SAMPLES;
    begin = System.nanoTime();
    progress.accept("filling the KV blocks");
    ConcurrentStreams.run(server, requests.getFirst().full(sequences));
    progress.accept("warm-up, %.0f s".formatted(nanos * WARM_UP_SAMPLES / 1e9));
    load(WARM_UP_SAMPLES, nanos, warmUp);
    before = rest(progress);
    int left = SAMPLES - WARM_UP_SAMPLES;
    progress.accept("counted time, %.0f s".formatted(nanos * left / 1e9));
    load(left, nanos, counted);
    after = rest(progress);
    return new SoakDrift(counted, before, after);
  }

  private void load(int samples, long nanos, List<SoakSample> into)
      throws IOException, InterruptedException {
    latencies.take();
    try (var clients = new SoakClients(server, requests, latencies, answered)) {
      long start = System.nanoTime();
      for (int i = 1; i <= samples; i++) {
        TimeUnit.NANOSECONDS.sleep(start + i * nanos - System.nanoTime());
        clients.requireAll();
        into.add(sample(latencies.take(), nanos));
      }
      clients.end();
    }
  }

  private SoakSample sample(LatencyWindow.Taken taken, long nanos)
      throws IOException, InterruptedException {
    if (taken.isEmpty()) {
      throw new IOException(
          "no stream has come to its second token within %.1f s: take a longer --duration"
              .formatted(nanos / 1e9));
    }
    return sample(SoakSample.Latencies.of(taken));
  }

  private SoakSample rest(Consumer<String> progress) throws IOException, InterruptedException {
    progress.accept(
        "%d s of rest, until threads without work have ended".formatted(SECONDS_OF_REST));
    TimeUnit.SECONDS.sleep(SECONDS_OF_REST);
    return sample((SoakSample.Latencies) null);
  }

  private SoakSample sample(SoakSample.Latencies of) throws IOException, InterruptedException {
    // Before the server is asked over HTTP, for that opens a connection.
    Server.Holdings held = server.holdings();
    ServerMetrics metrics = ServerMetrics.of(server);
    OptionalDouble heap = metrics.heap();
    double minutes = (System.nanoTime() - begin) / MINUTE;
    return new SoakSample(minutes, of, held, metrics.kvUsage(), heap);
  }

  List<SoakSample> warmUp() {
    return List.copyOf(warmUp);
  }

  List<SoakSample> counted() {
    return List.copyOf(counted);
  }

  SoakSample before() {
    return before;
  }

  SoakSample after() {
    return after;
  }

  /** Requests that were answered as they were asked. */
  long answered() {
    return answered.get();
  }
}
