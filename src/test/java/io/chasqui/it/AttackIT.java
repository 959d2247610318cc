package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.http.Api;
import io.chasqui.http.Http2Frames;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whatever a client sends to the built program, with a small heap, it answers the next one. */
class AttackIT {
  /** What a JVM takes of a container of 256 MB. */
  private static final String HEAP = "64m";

  /** A body of 64 KB and of 64 bytes a token of the context; a heap of 64 MB allows 400 KB. */
  private static final int LARGE = 390_000;

  @TempDir Path directory;

  private BuiltServer server;
  private URI uri;

  @BeforeEach
  void start() throws IOException {
    server = BuiltServer.withHeap(HEAP, directory.resolve("log"));
    uri = server.readyUri();
  }

  @AfterEach
  void itStillAnswersAndHasNothingToRegret() {
    try {
      Await.until("a client is answered", () -> ask(Api.completion("One")).statusCode() == 200);
      assertFalse(server.output().contains(" ERROR "), server::output);
    } finally {
      server.close();
    }
  }

  private HttpResponse<String> ask(String body) {
    return Api.post(uri, Api.COMPLETIONS, body);
  }

  private static String repeated(String value, int length) {
    return value.repeat(length / value.length());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[],", "{\"\":{}},", "{\"role\":\"user\",\"content\":\"a\"},", "1e9,", "1,"})
  void bodiesOfManyValuesAreRefused(String value) throws Exception {
    String values = repeated(value, LARGE);
    String body = "{\"model\":\"demo\",\"prompt\":[%s0]}".formatted(values);

    assertTrue(Set.of(413, 429).containsAll(sideBySide(32, body)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"word é ", " ", "\\u00e9", "a"})
  void bodiesOfLongTextsAreRefused(String text) throws Exception {
    String body = Api.completion("One").replace("\"One\"", '"' + repeated(text, LARGE) + '"');

    assertTrue(Set.of(400, 413, 429).containsAll(sideBySide(32, body)));
  }

  /** Sends a body on so many connections at once, and tells which statuses came. */
  private Set<Integer> sideBySide(int clients, String body) throws Exception {
    Set<Integer> statuses = new TreeSet<>();
    try (var threads = Executors.newFixedThreadPool(clients)) {
      List<Future<Integer>> answers = new ArrayList<>();
      for (int i = 0; i < clients; i++) {
        answers.add(threads.submit(() -> ask(body).statusCode()));
      }
      for (Future<Integer> answer : answers) {
        statuses.add(answer.get());
      }
    }
    return statuses;
  }

  @ParameterizedTest
  @ValueSource(strings = {"/tokenize", "/detokenize", Api.COMPLETIONS})
  void answersThatNobodyReadsKeepNobodyOut(String path) throws Exception {
    String body =
        switch (path) {
          case "/tokenize" -> "{\"prompt\":\"" + " ".repeat(LARGE) + "\"}";
          case "/detokenize" -> "{\"tokens\":[" + "100,".repeat(8000) + "100]}";
          default ->
              Api.completion("One", "n", 16, "logprobs", 20, "ignore_eos", true, "max_tokens", 400);
        };
    List<Socket> deaf = new ArrayList<>();
    try {
      for (int i = 0; i < 120; i++) {
        var socket = new Socket(uri.getHost(), uri.getPort());
        deaf.add(socket);
        send(socket, post(path, body));
      }
      Await.until("others are answered", () -> ask(Api.completion("One")).statusCode() == 200);
    } finally {
      for (Socket socket : deaf) {
        socket.close();
      }
    }
  }

  private static byte[] post(String path, String body) {
    return "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
        .formatted(path, body.length(), body)
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static void send(Socket socket, byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
  }

  @Test
  void aConnectionThatResetsStreamAfterStreamIsClosed() throws Exception {
    requireClosed((frames, stream) -> frames.get(stream, "/").reset(stream));
  }

  /** Also where the framework refuses what it opens streams for. */
  @ParameterizedTest
  @ValueSource(strings = {"/v1/models", "/v1/models/%zz"})
  void aConnectionThatOpensMoreStreamsThanItMayIsClosed(String path) throws Exception {
    requireClosed((frames, stream) -> frames.beginPost(stream, path, "x", "y"));
  }

  /** Adds a stream to the frames of a client. */
  private interface Opening {
    Http2Frames open(Http2Frames frames, int stream);
  }

  /** A client that acknowledges nothing opens stream after stream, a million if it may. */
  private void requireClosed(Opening opening) throws Exception {
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      send(socket, Http2Frames.ofAClientThatReadsNothing().toBytes());
      Await.until("it is closed", () -> !sendsMany(socket, opening));
      assertTrue(stream < 1_000_000, "all streams were taken");
    }
  }

  private int stream = 1;

  /** Opens 1,000 streams more; false if the connection is closed. */
  private boolean sendsMany(Socket socket, Opening opening) {
    try {
      var frames = new Http2Frames();
      for (int i = 0; i < 1000; i++) {
        opening.open(frames, stream);
        stream += 2;
      }
      send(socket, frames.toBytes());
      return stream < 1_000_000;
    } catch (IOException e) {
      return false;
    }
  }

  /** Of each answer its id, which the client chooses, would be remembered. */
  @Test
  void aClientThatRemembersAllHeadersMakesTheServerRememberFew() throws Exception {
    String id = "i".repeat(120);
    try (Socket socket = new Socket(uri.getHost(), uri.getPort())) {
      socket.setSoTimeout(60_000);
      var in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
      send(socket, Http2Frames.ofAClientThatRemembersAll().toBytes());
      for (int batch = 0; batch < 2000; batch++) {
        var frames = new Http2Frames();
        for (int i = 0; i < 50; i++) {
          frames.options(stream, "/q/health/live", "x-request-id", id + stream);
          stream += 2;
        }
        send(socket, frames.toBytes());
        for (int answers = 0; answers < 50; ) {
          answers += isHead(in) ? 1 : 0;
        }
      }
    }
  }

  /** Reads a frame; whether it is the head of an answer. */
  private static boolean isHead(DataInputStream in) throws IOException {
    int lengthAndType = in.readInt();
    in.skipNBytes(5 + (lengthAndType >>> 8));
    return (lengthAndType & 0xff) == 1;
  }

  @Test
  void bodiesThatDoNotEndKeepNobodyOut() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 60; i++) {
        var socket = new Socket(uri.getHost(), uri.getPort());
        slow.add(socket);
        byte[] whole = post(Api.COMPLETIONS, " ".repeat(LARGE));
        socket.getOutputStream().write(whole, 0, whole.length - 1);
      }
      assertEquals(200, ask(Api.completion("One")).statusCode());
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "GET, /",
    "GET, /metrics",
    "GET, /q/metrics",
    "GET, /v1/models",
    "POST, /v1/chat/completions",
    "POST, /nothing"
  })
  void openStreamsThatWaitForTheirClientsKeepNobodyOut(String method, String path)
      throws Exception {
    List<Socket> deaf = new ArrayList<>();
    try {
      InetAddress other = InetAddress.getByName("127.0.0.2");
      for (int i = 0; i < 100; i++) {
        var socket = new Socket(InetAddress.getByName(uri.getHost()), uri.getPort(), other, 0);
        deaf.add(socket);
        send(socket, hundredStreams(method, path));
      }
      assertEquals(200, ask(Api.completion("One")).statusCode());
      assertEquals(200, Api.send(Api.request(uri, "/q/health/ready")).statusCode());
    } finally {
      for (Socket socket : deaf) {
        socket.close();
      }
    }
  }

  /** All at once, before the server can tell any of the clients that it has no room. */
  @Test
  void streamsOfManyConnectionsThatComeAtOnceKeepNobodyOut() throws Exception {
    var frames = Http2Frames.ofAClientThatReadsNothing();
    for (int i = 0; i < 100; i++) {
      frames.get(1 + 2 * i, "/v1/models");
    }
    for (int round = 0; round < 3; round++) {
      List<Socket> sockets = new ArrayList<>();
      try {
        for (int i = 0; i < 200; i++) {
          var socket = new Socket(uri.getHost(), uri.getPort());
          sockets.add(socket);
        }
        for (Socket socket : sockets) {
          send(socket, frames.toBytes());
        }
      } catch (SocketException e) {
        // Closed because of what it has sent.
      } finally {
        for (Socket socket : sockets) {
          socket.close();
        }
      }
    }
    Await.until("others are answered", this::isAnswered);
  }

  /** Whose connection may be closed while the server is busy with others. */
  private boolean isAnswered() {
    try {
      return ask(Api.completion("One")).statusCode() == 200;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  /** A request may then come when its connection is closed already. */
  @Test
  void pipelinedRequestsOfClientsThatLeaveTakeNothingForEver() throws Exception {
    byte[] requests =
        "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n".repeat(3).getBytes(StandardCharsets.US_ASCII);
    Deque<Socket> open = new ArrayDeque<>();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(4);
    while (System.nanoTime() < end) {
      try {
        var socket = new Socket(uri.getHost(), uri.getPort());
        open.add(socket);
        send(socket, requests);
      } catch (SocketException e) {
        // Closed for the sake of another.
      }
      if (open.size() > 100) {
        open.remove().close();
      }
    }
    for (Socket socket : open) {
      socket.close();
    }
    Await.until("others are answered", this::isAnswered);
    assertEquals(200, Api.send(Api.request(uri, "/metrics")).statusCode());
  }

  /** Of a request that is a few hundred bytes long. */
  @Test
  void thePromptsProbabilitiesInEveryChoiceAreStreamedInSmallPiecesOrRefused() throws Exception {
    Object[] fields = {"echo", true, "logprobs", 20, "n", 64, "max_tokens", 2};
    int[] prompt = IntStream.range(0, 400).map(i -> 5 + i).toArray();
    String whole = Api.completion(prompt, fields);
    assertEquals("answer_too_large", Api.error(ask(whole)).get("code").textValue());

    String streamed = whole.replaceFirst("[{]", "{\"stream\":true,");
    byte[] request = post(Api.COMPLETIONS, streamed);
    try (var socket = new Socket(uri.getHost(), uri.getPort())) {
      send(socket, request);
      InputStream in = socket.getInputStream();
      long length = 0;
      String tail = "";
      byte[] buffer = new byte[1 << 16];
      while (!tail.endsWith("data: [DONE]\n\n\r\n0\r\n\r\n")) {
        int read = in.read(buffer);
        assertTrue(read > 0, "the connection ended");
        length += read;
        tail += new String(buffer, 0, read, StandardCharsets.US_ASCII);
        tail = tail.substring(Math.max(0, tail.length() - 100));
      }
      assertTrue(length > 64 * 400 * 20 * 8, "bytes: " + length);
    }
  }

  /**
   * As many streams as a connection may have, with heads that are nearly as long as they may be.
   */
  private static byte[] hundredStreams(String method, String path) {
    var frames = Http2Frames.ofAClientThatReadsNothing();
    for (int i = 0; i < 100; i++) {
      String value = Integer.toString(i % 10).repeat(7000);
      var _ =
          method.equals("GET")
              ? frames.get(1 + 2 * i, path, "x", value)
              : frames.beginPost(1 + 2 * i, path, "x", value);
    }
    return frames.toBytes();
  }

  /** More connections than a heap of 64 MB has room for. */
  private static final int MANY = 400;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{",
        "GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: "
      })
  void connectionsThatWaitForTheirClientsKeepNoProbeOut(String begun) throws Exception {
    byte[] often = begun.repeat(20).getBytes(StandardCharsets.US_ASCII);
    List<Socket> deaf = new ArrayList<>();
    try {
      for (int i = 0; i < MANY; i++) {
        var socket = new Socket();
        socket.setReceiveBufferSize(2048);
        socket.connect(new InetSocketAddress(uri.getHost(), uri.getPort()));
        deaf.add(socket);
        send(
            socket, begun.startsWith("GET /m") ? often : begun.getBytes(StandardCharsets.US_ASCII));
        if (i % 20 == 0) {
          assertEquals(200, Api.send(Api.request(uri, "/q/health/live")).statusCode());
        }
      }
    } finally {
      for (Socket socket : deaf) {
        socket.close();
      }
    }
  }

  /** Whatever may follow such a head is not read as a request. */
  @Test
  void headsThatAreNoneAreRefusedInTheApisForm() throws Exception {
    requireRefused(400, "GET /v1/estimate?context=%zz HTTP/1.1", "");
    requireRefused(400, "GET /v1/models/%zz HTTP/1.1", "");
    requireRefused(400, "GET * HTTP/1.1", "Connection: close\r\n");
    requireRefused(505, "GET / HTTP/1.2", "");
    requireRefused(400, "GET /", "");
    requireRefused(414, "GET /v1/models/" + "a".repeat(5000) + " HTTP/1.1", "");
    requireRefused(431, "GET / HTTP/1.1", "X: " + "a".repeat(9000) + "\r\n");
    requireRefused(431, "GET / HTTP/1.1", "X: a\r\n".repeat(100));
    requireRefused(400, "GET / HTTP/1.1", "Host: other\r\n");
    requireRefused(417, "POST / HTTP/1.1", "Expect: 200-ok\r\nContent-Length: 9\r\n");
    requireRefused(400, "POST / HTTP/1.1", "Transfer-Encoding: xchunked\r\n");
    requireRefused(400, "POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked\r\n");
    requireRefused(400, "POST / HTTP/1.1", "Content-Length: 1\r\nContent-Length: 2\r\n");
    requireRefused(400, "POST / HTTP/1.1", "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n");
  }

  private void requireRefused(int status, String line, String headers) throws IOException {
    String next = "GET /q/health/live HTTP/1.1\r\nHost: test\r\n\r\n";
    String answer = answer("%s\r\nHost: test\r\n%s\r\n%s".formatted(line, headers, next));

    assertTrue(answer.startsWith("HTTP/1.1 %d ".formatted(status)), answer);
    assertEquals(1, answer.split("HTTP/1[.]1 [1-5]", -1).length - 1, answer);
    assertTrue(answer.contains("\r\nX-Request-Id: "), answer);
    assertTrue(answer.contains("\r\nContent-Type: application/json\r\n"), answer);
    assertTrue(answer.contains("{\"error\":{\"message\":\""), answer);
  }

  @Test
  void aRequestThatWantsAnotherProtocolIsServedInItsOwn() throws Exception {
    String body = Api.completion("One", "max_tokens", 1);
    String upgrade =
        "POST %s HTTP/1.1\r\nHost: test\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            .formatted(Api.COMPLETIONS, body.length(), body);
    String last = "GET /q/health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    String answers = answer(upgrade + last);

    assertEquals(2, answers.split("HTTP/1[.]1 200 OK", -1).length - 1, answers);
  }

  /** All that the server sends until it closes the connection. */
  private String answer(String request) throws IOException {
    try (var socket = new Socket(uri.getHost(), uri.getPort())) {
      socket.setSoTimeout(30_000);
      send(socket, request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void clientsOfHttp2ThatLeaveWhatTheyAskedForAreNoErrors() throws Exception {
    byte[] request = Http2Frames.ofAClientThatReadsNothing().get(1, "/").toBytes();
    for (boolean resets : new boolean[] {true, false}) {
      try (var socket = new Socket(uri.getHost(), uri.getPort())) {
        send(socket, request);
        Thread.sleep(300);
        socket.setSoLinger(resets, 0);
      }
    }
    Thread.sleep(300);
  }
}
