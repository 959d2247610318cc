package io.chasqui.benchmark.abuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HostileClientsTest {
  private static final String NOTHING = "";

  private final HostileTally tally = new HostileTally();
  private final HostileRequests requests = new HostileRequests(new SplittableRandom(1));
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private ServerSocket server;

  @BeforeEach
  void listen() throws IOException {
    server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  }

  @AfterEach
  void end() throws IOException {
    server.close();
    threads.shutdownNow();
  }

  private HostileClients clients() {
    return new HostileClients((InetSocketAddress) server.getLocalSocketAddress(), tally);
  }

  /** Answers each connection once its first byte has come, and closes it. */
  private void answer(String text) {
    threads.submit(() -> {
      while (true) {
        try (Socket client = server.accept()) {
          client.getInputStream().read();
          client.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
          client.shutdownOutput();
          client.getInputStream().readAllBytes();
        }
      }
    });
  }

  private void send(HostileKind kind) throws IOException, InterruptedException {
    try (HostileClients clients = clients()) {
      clients.send(requests.of(kind));
      clients.finish();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "HTTP/1.1 400 Bad Request, REFUSED",
    "HTTP/1.0 431 Too Large, REFUSED",
    "HTTP/1.1 200 OK, ACCEPTED",
    "HTTP/1.1 500 Oops, FAILED",
    "HTTP/1.1 302 Found, FAILED",
    "gibberish, FAILED",
    "'', CLOSED",
  })
  void anAnswerCountsByItsStatus(String answer, HostileOutcome outcome) throws Exception {
    answer(answer);

    send(HostileKind.UNKNOWN_MODEL);

    assertEquals(1, tally.count(HostileKind.UNKNOWN_MODEL, outcome));
    assertEquals(1, tally.count(outcome));
  }

  @Test
  void whoLeavesWaitsForNoAnswer() throws Exception {
    send(HostileKind.RESET);
    send(HostileKind.CUT_HEAD);

    assertEquals(2, tally.count(HostileOutcome.LEFT));
  }

  @Test
  void whoIsSlowStaysUntilTheEndUnlessTheServerHasHadEnough() throws Exception {
    send(HostileKind.SLOW_BODY);
    assertEquals(1, tally.count(HostileKind.SLOW_BODY, HostileOutcome.HELD));
    server.accept().close();

    try (HostileClients clients = clients()) {
      clients.send(requests.of(HostileKind.SLOW_HEAD));
      server.accept().close();
      while (tally.count(HostileKind.SLOW_HEAD, HostileOutcome.CLOSED) == 0) {
        Thread.sleep(1);
      }
    }
  }

  @Test
  void whoIsSlowSendsAByteNowAndThen() throws Exception {
    try (HostileClients clients = clients()) {
      HostileRequest request = requests.of(HostileKind.SLOW_HEAD);
      clients.send(request);
      try (Socket client = server.accept()) {
        byte[] bytes = client.getInputStream().readNBytes(request.bytes().length + 2);
        assertTrue(new String(bytes, StandardCharsets.US_ASCII).endsWith("Host: xx"));
      }
    }
  }

  @Test
  void aServerThatIsNotThereIsAFault() throws Exception {
    server.close();

    send(HostileKind.NO_OBJECT);

    assertEquals(1, tally.count(HostileOutcome.UNANSWERED));
    assertTrue(HostileOutcome.UNANSWERED.isFault() && HostileOutcome.FAILED.isFault());
  }

  @Test
  void theRateIsKeptWhateverTheAnswers() throws Exception {
    try (HostileClients clients = clients()) {
      long begin = System.nanoTime();
      double rate = clients.send(requests, 30, 100);
      assertTrue(System.nanoTime() - begin >= 300_000_000);
      assertTrue(rate <= 100, "the rate was " + rate);
    }
  }
}
