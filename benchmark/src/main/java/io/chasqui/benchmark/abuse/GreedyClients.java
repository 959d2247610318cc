package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.servers.CompletionStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Clients whose requests are right, and ask for as much as a request may. Each sends its request
 * again as soon as it is answered, or a little later if it is refused.
 */
final class GreedyClients implements AutoCloseable {
  private static final long PAUSE_MILLIS = 100;

  private final HttpClient http = HttpClient.newHttpClient();
  private final URI server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final AtomicInteger faults = new AtomicInteger();

  /**
   * Begins.
   *
   * @param server without a path
   * @param bodies of each client's request
   */
  GreedyClients(URI server, List<String> bodies) {
    this.server = server;
    bodies.forEach(body -> threads.submit(() -> run(body)));
  }

  /** How many requests the server answered with an error of its own, or not at all. */
  int faults() {
    return faults.get();
  }

  private Void run(String body) throws InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(server.resolve(CompletionStream.PATH))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body))
            .build();
    while (!threads.isShutdown()) {
      int status = status(request);
      if (status != 200 && !threads.isShutdown()) {
        faults.addAndGet(status / 100 == 4 ? 0 : 1);
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
    }
    return null;
  }

  /** That of the answer, 0 if there was none. */
  private int status(HttpRequest request) throws InterruptedException {
    try {
      return http.send(request, BodyHandlers.discarding()).statusCode();
    } catch (IOException e) {
      return 0;
    }
  }

  /** Breaks off what is still open. */
  @Override
  public void close() {
    threads.shutdownNow();
    http.shutdownNow();
  }
}
