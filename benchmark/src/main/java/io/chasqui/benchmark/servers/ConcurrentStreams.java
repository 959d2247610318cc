package io.chasqui.benchmark.servers;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Streams of one server that run at once. */
public final class ConcurrentStreams implements AutoCloseable {
  private final TokenSource server;
  private final int mark;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<CompletableFuture<Void>> marked = new ArrayList<>();
  private final List<Future<TokenTimes>> streams = new ArrayList<>();

  /**
   * Sends all requests.
   *
   * @param mark the token that {@link #awaitMark} waits for
   */
  public ConcurrentStreams(TokenSource server, List<StreamRequest> requests, int mark) {
    this.server = server;
    this.mark = mark;
    for (StreamRequest request : requests) {
      var reached = new CompletableFuture<Void>();
      marked.add(reached);
      streams.add(threads.submit(() -> run(request, reached)));
    }
  }

  private TokenTimes run(StreamRequest request, CompletableFuture<Void> reached)
      throws IOException, InterruptedException {
    try {
      return server.stream(
          request,
          tokens -> {
            if (tokens == mark) {
              reached.complete(null);
            }
          });
    } finally {
      reached.complete(null); // a stream that has broken off will never get there
    }
  }

  /** Sends all requests and reads their answers to their ends. */
  public static List<TokenTimes> run(TokenSource server, List<StreamRequest> requests)
      throws IOException, InterruptedException {
    try (var streams = new ConcurrentStreams(server, requests, 1)) {
      return streams.await();
    }
  }

  /** Waits until each stream has come to the mark or has ended. */
  public void awaitMark() {
    marked.forEach(CompletableFuture::join);
  }

  /**
   * Waits for the ends of all answers.
   *
   * @throws IOException if one of them is not as it was asked for
   */
  public List<TokenTimes> await() throws IOException, InterruptedException {
    return results("a stream", streams);
  }

  /**
   * Waits for all results.
   *
   * @param who fails if there is none
   * @throws IOException if there is none
   */
  public static <T> List<T> results(String who, List<? extends Future<? extends T>> futures)
      throws IOException, InterruptedException {
    List<T> results = new ArrayList<>();
    for (Future<? extends T> future : futures) {
      try {
        results.add(future.get());
      } catch (ExecutionException e) {
        throw new IOException(who + " has failed: " + e.getCause(), e.getCause());
      }
    }
    return results;
  }

  /** Breaks off what still runs. */
  @Override
  public void close() {
    threads.shutdownNow();
  }
}
