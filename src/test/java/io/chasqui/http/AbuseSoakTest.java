package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/**
 * Malformed, oversized, truncated and slow requests by the thousand get an error of their own or
 * lose their connection; the server breaks by none of them, and keeps nothing of them.
 */
@QuarkusTest
@TestProfile(AbuseSoakTest.Impatient.class)
class AbuseSoakTest {
  private static final int REQUESTS =
      Integer.parseInt(Optional.ofNullable(System.getenv("CHASQUI_ABUSE_REQUESTS")).orElse("1000"));

  private static final int AT_ONCE = 32;

  private static final String VALID = Api.chat("Hello", "stream", true, "max_tokens", 20);

  @TestHTTPResource("/")
  URI server;

  private final AtomicInteger answered = new AtomicInteger();

  /** Does not wait long. */
  public static final class Impatient implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of("chasqui.body-timeout", "1s");
    }
  }

  @Test
  void noneOfThemBreaksTheServerOrWhatItAnswersToOthers() throws Exception {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    String healthy = Api.text(server, Api.chat(Api.STORY));
    int files = openFiles();
    var abused = new AtomicBoolean();
    var atOnce = new Semaphore(AT_ONCE);
    try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
      Future<Integer> beside =
          clients.submit(() -> {
            int answers = 0;
            while (!abused.get()) {
              assertEquals(healthy, Api.text(server, Api.chat(Api.STORY)));
              answers++;
            }
            return answers;
          });
      List<Future<?>> abuses = new ArrayList<>();
      for (int i = 0; i < REQUESTS; i++) {
        Callable<Void> abuse = abuse(new Random(random.nextLong()));
        atOnce.acquire();
        abuses.add(
            clients.submit(() -> {
              try {
                return abuse.call();
              } finally {
                atOnce.release();
              }
            }));
      }
      try {
        for (Future<?> each : abuses) {
          each.get(1, TimeUnit.MINUTES);
        }
      } finally {
        abused.set(true);
      }
      assertTrue(beside.get(1, TimeUnit.MINUTES) > 0);
    } catch (Exception e) {
      throw new AssertionError("seed " + seed, e);
    }
    assertTrue(answered.get() > REQUESTS / 3, "too few were answered at all: " + answered.get());
    assertEquals(healthy, Api.text(server, Api.chat(Api.STORY)));
    Await.until("no connection is left, seed " + seed, () -> openFiles() <= files + 8);
  }

  /** Of this process, which is the server's. */
  private static int openFiles() {
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      return (int) open.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Callable<Void> abuse(Random random) {
    return switch (random.nextInt(20)) {
      case 0, 1, 2 -> refused(post(VALID.substring(0, random.nextInt(VALID.length()))));
      case 3, 4, 5 -> refused(post(garbled(random)));
      case 6, 7 -> refused(post(bytes(random, random.nextInt(2000))));
      case 8, 9 -> refused(request("POST", "X-Long: " + "x".repeat(30_000) + "\r\n", VALID));
      case 10 -> refused(request("GET", "", ""));
      case 11 -> refused(request("BREW", "", VALID));
      case 12 -> refused(bytes(random, 300) + "\r\n\r\n");
      case 13 -> refused(request("POST", "Content-Length: 99999999999999999999\r\n", ""));
      case 14 -> refused(request("POST", "Transfer-Encoding: chunked\r\n", "zz\r\nnot a chunk"));
      case 15 -> abandoned(request("POST", "Content-Length: 5000\r\n", VALID));
      case 16 -> abandoned(post(VALID));
      case 17 -> slow(request("POST", "Content-Length: 5000\r\n", VALID));
      case 18 -> abandoned("POST " + Api.CHAT + " HTTP/1.1\r\nHost: te");
      default -> random.nextInt(20) > 0 ? refused(post("[]")) : refused(post(tooLong()));
    };
  }

  private static String post(String body) {
    int length = body.getBytes(StandardCharsets.ISO_8859_1).length;
    return request("POST", "Content-Length: " + length + "\r\n", body);
  }

  private static String request(String method, String headers, String body) {
    return method
        + " "
        + Api.CHAT
        + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
        + headers
        + "\r\n"
        + body;
  }

  /** A body of the wrong form, of the right characters. */
  private static String garbled(Random random) {
    var body = new StringBuilder(VALID);
    for (int i = 0; i < 3; i++) {
      body.setCharAt(random.nextInt(body.length()), "{}[]\",:0x".charAt(random.nextInt(9)));
    }
    return body.insert(0, random.nextBoolean() ? "[" : "").toString();
  }

  /** Each character is a byte. */
  private static String bytes(Random random, int count) {
    byte[] bytes = new byte[count];
    random.nextBytes(bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String tooLong() {
    return "{\"model\": \"demo\", \"prompt\": \"" + "x".repeat(5 << 20) + "\"}";
  }

  /** Sends it whole; whatever is answered is not the server's fault. */
  private Callable<Void> refused(String bytes) {
    return () -> {
      try (var connection = new RawConnection(server)) {
        connection.send(bytes.getBytes(StandardCharsets.ISO_8859_1));
        require(connection.readHead().statusLine(), bytes);
      } catch (UncheckedIOException e) {
        // Closed without an answer: fine for what is no HTTP, or is too much.
      }
      return null;
    };
  }

  /** Sends it and leaves. */
  private Callable<Void> abandoned(String bytes) {
    return () -> {
      try (var connection = new RawConnection(server)) {
        connection.send(bytes.getBytes(StandardCharsets.ISO_8859_1));
      }
      return null;
    };
  }

  /** Sends a part of it, and nothing more until the server has had enough. */
  private Callable<Void> slow(String bytes) {
    return () -> {
      try (var connection = new RawConnection(server)) {
        connection.send(bytes.getBytes(StandardCharsets.ISO_8859_1));
        require(connection.readHead().statusLine(), bytes);
      } catch (UncheckedIOException e) {
        assertTrue(!String.valueOf(e.getMessage()).contains("timed out"), "it is still connected");
      }
      return null;
    };
  }

  /** A garbled body may be a right one by chance. */
  private void require(String statusLine, String bytes) {
    answered.incrementAndGet();
    assertTrue(
        statusLine.matches("HTTP/1[.][01] (200|4[0-9][0-9]) .*"),
        () -> statusLine + " for " + bytes.substring(0, Math.min(500, bytes.length())));
  }
}
