package io.chasqui.benchmark.abuse;

import io.chasqui.benchmark.servers.ConcurrentStreams;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Clients that send hostile requests, each on a connection of its own and at its time, whatever has
 * become of those before: an open loop.
 */
final class HostileClients implements AutoCloseable {
  private static final int PATIENCE_MILLIS = 30_000;

  /** Between two bytes of a slow client. */
  private static final int DRIP_MILLIS = 500;

  /** As much of an answer as ends with its status: {@code HTTP/1.1 400}. */
  private static final int STATUS_BYTES = 12;

  private final InetSocketAddress server;
  private final HostileTally tally;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Future<?>> quick = new ArrayList<>();
  private final List<Future<?>> slow = new ArrayList<>();
  private volatile boolean isOver;

  /**
   * @param tally is told what becomes of each request
   */
  HostileClients(InetSocketAddress server, HostileTally tally) {
    this.server = server;
    this.tally = tally;
  }

  /**
   * Sends so many requests at a rate, and does not wait for what becomes of them.
   *
   * @return the rate that it has kept
   */
  double send(HostileRequests requests, int count, double perSecond) throws InterruptedException {
    long begin = System.nanoTime();
    for (int i = 0; i < count; i++) {
      HostileRequest request = requests.next();
      long due = begin + (long) (i * 1e9 / perSecond);
      TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
      send(request);
    }
    TimeUnit.NANOSECONDS.sleep(begin + (long) (count * 1e9 / perSecond) - System.nanoTime());
    return count * 1e9 / (System.nanoTime() - begin);
  }

  void send(HostileRequest request) {
    Future<?> client =
        threads.submit(() -> {
          tally.add(request.kind(), outcome(request));
          return null;
        });
    (request.kind().manner.isSlow() ? slow : quick).add(client);
  }

  /**
   * Waits until all but the slow have their answer, and then lets the slow close their connections.
   *
   * @throws IOException if a client has failed for its own fault
   */
  void finish() throws IOException, InterruptedException {
    ConcurrentStreams.results("a hostile client", quick);
    isOver = true;
    ConcurrentStreams.results("a hostile client", slow);
  }

  private HostileOutcome outcome(HostileRequest request) throws IOException {
    try (var socket = new Socket()) {
      try {
        socket.connect(server, PATIENCE_MILLIS);
      } catch (IOException e) {
        return HostileOutcome.UNANSWERED;
      }
      send(request.bytes(), socket);
      return outcome(request.kind().manner, socket);
    }
  }

  private static void send(byte[] bytes, Socket socket) {
    try {
      socket.getOutputStream().write(bytes);
    } catch (IOException e) {
      // Who is refused early cannot send the rest; what was answered can still be read.
    }
  }

  private HostileOutcome outcome(HostileKind.Manner manner, Socket socket) throws IOException {
    return switch (manner) {
      case AWAIT -> await(socket);
      case LEAVE -> HostileOutcome.LEFT;
      case RESET -> {
        socket.setSoLinger(true, 0);
        yield HostileOutcome.LEFT;
      }
      case DEAF -> {
        while (!isOver) {
          LockSupport.parkNanos(DRIP_MILLIS * 1_000_000L);
        }
        yield await(socket);
      }
      case STALL, DRIP -> linger(socket, manner == HostileKind.Manner.DRIP);
    };
  }

  private static HostileOutcome await(Socket socket) throws IOException {
    socket.setSoTimeout(PATIENCE_MILLIS);
    try {
      return answer(socket.getInputStream());
    } catch (SocketTimeoutException e) {
      return HostileOutcome.UNANSWERED;
    } catch (IOException e) {
      return HostileOutcome.CLOSED;
    }
  }

  /** Until the server has had enough, or all is over. */
  private HostileOutcome linger(Socket socket, boolean drips) throws IOException {
    socket.setSoTimeout(DRIP_MILLIS);
    while (!isOver) {
      try {
        return answer(socket.getInputStream());
      } catch (SocketTimeoutException e) {
        if (drips) {
          send(new byte[] {'x'}, socket);
        }
      } catch (IOException e) {
        return HostileOutcome.CLOSED;
      }
    }
    return HostileOutcome.HELD;
  }

  private static HostileOutcome answer(InputStream in) throws IOException {
    return HostileOutcome.ofAnswer(
        new String(in.readNBytes(STATUS_BYTES), StandardCharsets.US_ASCII));
  }

  /** Breaks off what is still open. */
  @Override
  public void close() {
    isOver = true;
    threads.shutdownNow();
  }
}
