package io.chasqui.benchmark.serve;

import java.io.IOException;
import java.net.ConnectException;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Sends each request at its time, whatever became of those before it. Nothing waits for an answer
 * but the end: the HTTP client's threads read all streams.
 */
public final class OpenLoop {
  private OpenLoop() {}

  /**
   * A request and its time.
   *
   * @param at nanoseconds from the beginning
   */
  public record Timed(long at, Request request) {}

  /**
   * Sends requests and waits for all answers.
   *
   * @param requests in the order of their times
   * @param begin when the time of the first would be 0
   * @param timeout of each, from when it was to be sent
   * @return their answers, in the same order
   */
  public static List<Answer> run(
      Endpoint endpoint, List<Timed> requests, long begin, Duration timeout)
      throws InterruptedException {
    List<CompletableFuture<Answer>> answers = new ArrayList<>();
    for (Timed each : requests) {
      long scheduled = begin + each.at();
      sleepUntil(scheduled);
      answers.add(send(endpoint, each.request(), scheduled, timeout));
    }
    return answers.stream().map(CompletableFuture::join).toList();
  }

  private static void sleepUntil(long time) throws InterruptedException {
    for (long left = time - System.nanoTime(); left > 0; left = time - System.nanoTime()) {
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      LockSupport.parkNanos(left);
    }
  }

  private static CompletableFuture<Answer> send(
      Endpoint endpoint, Request request, long scheduled, Duration timeout) {
    var reader = new AnswerReader();
    long sent = System.nanoTime();
    CompletableFuture<HttpResponse<Void>> exchange =
        endpoint
            .client()
            .sendAsync(endpoint.post(request), BodyHandlers.fromLineSubscriber(reader));
    long left = Math.max(0, scheduled + timeout.toNanos() - sent);
    CompletableFuture.delayedExecutor(left, TimeUnit.NANOSECONDS)
        .execute(() -> exchange.cancel(true));
    return exchange.handle((response, failure) -> {
      long end = System.nanoTime();
      if (failure != null) {
        Throwable cause = cause(failure);
        return reader.failed(scheduled, sent, end, outcome(cause), String.valueOf(cause));
      }
      if (response.statusCode() != 200) {
        String status = String.valueOf(response.statusCode());
        return reader.failed(scheduled, sent, end, status, reader.message());
      }
      return reader.streamed(scheduled, sent, end);
    });
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? failure.getCause()
        : failure;
  }

  private static String outcome(Throwable failure) {
    return switch (failure) {
      case CancellationException e -> Answer.TIMEOUT;
      case ConnectException e -> "no connection";
      case IOException e -> "broken off";
      default -> throw new IllegalStateException("a request that cannot be sent", failure);
    };
  }
}
