package io.chasqui.benchmark.servers;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;

/** Clients of one server, each of which sends a request as soon as its last one is answered. */
public final class OngoingStreams implements AutoCloseable {
  private final TokenSource server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<List<TokenTimes>>> clients = new ArrayList<>();
  private volatile boolean isEnding;

  /**
   * Begins.
   *
   * @param clients what each of them asks for, again and again
   */
  public OngoingStreams(TokenSource server, List<Supplier<StreamRequest>> clients) {
    this.server = server;
    clients.forEach(requests -> this.clients.add(threads.submit(() -> run(requests))));
  }

  private List<TokenTimes> run(Supplier<StreamRequest> requests)
      throws IOException, InterruptedException {
    List<TokenTimes> streams = new ArrayList<>();
    do {
      streams.add(server.stream(requests.get(), tokens -> {}));
    } while (!isEnding);
    return streams;
  }

  /**
   * Sends no more requests and waits for the ends of all answers.
   *
   * @throws IOException if one of them is not as it was asked for
   */
  public List<TokenTimes> end() throws IOException, InterruptedException {
    isEnding = true;
    return ConcurrentStreams.results("a stream", clients).stream().flatMap(List::stream).toList();
  }

  /** Breaks off what still runs. */
  @Override
  public void close() {
    isEnding = true;
    threads.shutdownNow();
  }
}
