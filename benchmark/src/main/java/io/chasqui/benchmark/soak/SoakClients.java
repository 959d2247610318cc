package io.chasqui.benchmark.soak;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.benchmark.servers.CompletionStream;
import io.chasqui.benchmark.servers.ConcurrentStreams;
import io.chasqui.benchmark.servers.Server;
import io.chasqui.benchmark.servers.StreamRequest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;

/**
 * Clients of one server that send requests of all kinds, each its next one as soon as its last is
 * answered, and check what comes.
 */
final class SoakClients implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();

  /** A cancelled stream is left after so many tokens. */
  private static final int LEAVES_AFTER = 5;

  /** What a client throws to itself, to leave a stream. */
  private static final class Left extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Left() {
      super(null, null, false, false);
    }
  }

  private final Server server;
  private final LatencyWindow latencies;
  private final AtomicLong answered;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<Void>> clients = new ArrayList<>();
  private volatile boolean isEnding;

  /**
   * Begins.
   *
   * @param requests of each client
   * @param latencies is told those of streams, but for the cancelled
   * @param answered counts all requests
   */
  SoakClients(
      Server server, List<SoakRequests> requests, LatencyWindow latencies, AtomicLong answered) {
    this.server = server;
    this.latencies = latencies;
    this.answered = answered;
    requests.forEach(each -> clients.add(threads.submit(() -> run(each))));
  }

  private Void run(SoakRequests requests) throws IOException, InterruptedException {
    while (!isEnding) {
      send(requests.next());
      answered.incrementAndGet();
    }
    return null;
  }

  private void send(SoakRequests.Request request) throws IOException, InterruptedException {
    switch (request.kind()) {
      case SHORT, LONG -> server.stream(request.tokens(), latencies.stream());
      case CANCELLED -> leave(request.tokens());
      case WHOLE -> require(request, 1, "length");
      case CHOICES -> require(request, SoakRequests.CHOICES, "length");
      case STOP -> require(request, 1, "stop");
    }
  }

  private void leave(StreamRequest request) throws IOException, InterruptedException {
    IntConsumer leaving =
        tokens -> {
          if (tokens == LEAVES_AFTER) {
            throw new Left();
          }
        };
    try {
      server.stream(request, leaving);
    } catch (Left e) {
      // As it was meant to.
    }
  }

  private void require(SoakRequests.Request request, int choices, String reason)
      throws IOException, InterruptedException {
    requireChoices(server.send(CompletionStream.PATH, request.wholeJson()), choices, reason);
  }

  /**
   * Checks an answer.
   *
   * @param reason for which each choice must have finished
   * @throws IOException if it is another one
   */
  static void requireChoices(String json, int choices, String reason) throws IOException {
    JsonNode answer = JSON.readTree(json).path("choices");
    boolean isAsAsked = answer.size() == choices;
    for (JsonNode choice : answer) {
      isAsAsked &= choice.path("finish_reason").asText().equals(reason);
    }
    if (!isAsAsked) {
      throw new IOException(
          "an answer should have %d choices that finish by '%s': %s"
              .formatted(choices, reason, json));
    }
  }

  /**
   * Fails as soon as a client has failed.
   *
   * @throws IOException if an answer was not as it was asked for
   */
  void requireAll() throws IOException, InterruptedException {
    ConcurrentStreams.results("a client", clients.stream().filter(Future::isDone).toList());
  }

  /**
   * Sends no more requests and waits for all answers.
   *
   * @throws IOException if one of them is not as it was asked for
   */
  void end() throws IOException, InterruptedException {
    isEnding = true;
    ConcurrentStreams.results("a client", clients);
  }

  /** Breaks off what still runs. */
  @Override
  public void close() {
    isEnding = true;
    threads.shutdownNow();
  }
}
