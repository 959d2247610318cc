package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.chasqui.http.Api;
import io.chasqui.http.Frames;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built program, told to stop by SIGTERM, cuts no stream. */
class DrainIT {
  private static final int STREAMS = 50;

  @TempDir Path directory;

  private BuiltServer server(Map<String, String> settings) throws Exception {
    return new BuiltServer("demo", directory.resolve("log"), settings);
  }

  /** An answer of exactly so many tokens. */
  private static String story(int number, int tokens) {
    return Api.completion(
        "Once upon a time there was number " + number,
        "stream",
        true,
        "stream_options",
        Map.of("include_usage", true),
        "max_tokens",
        tokens,
        "ignore_eos",
        true);
  }

  private static List<Future<HttpResponse<String>>> send(
      ExecutorService clients, URI server, int streams, int tokens) {
    List<Future<HttpResponse<String>>> answers = new ArrayList<>();
    for (int i = 0; i < streams; i++) {
      String body = story(i, tokens);
      Callable<HttpResponse<String>> client = () -> Api.post(server, Api.COMPLETIONS, body);
      answers.add(clients.submit(client));
    }
    return answers;
  }

  /** Streams that run or wait, as the server counts them. */
  private static int open(URI server) {
    String metrics = Api.send(Api.request(server, "/metrics")).body();
    return Pattern.compile("(?m)^vllm[:_]num_requests_(running|waiting)\\S* ([0-9.]+)")
        .matcher(metrics)
        .results()
        .mapToInt(each -> (int) Double.parseDouble(each.group(2)))
        .sum();
  }

  private static int readiness(URI server) {
    return Api.send(Api.request(server, "/q/health/ready")).statusCode();
  }

  @Test
  void fiftyStreamsEndWholeAndTheProcessWithZero() throws Exception {
    var settings = Map.of("CHASQUI_QUEUE_CAPACITY", "64", "CHASQUI_DRAIN_TIMEOUT", "60s");
    try (BuiltServer server = server(settings);
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      URI uri = server.uri();
      Await.until("it is ready", () -> readiness(uri) == 200);
      List<Future<HttpResponse<String>>> answers = send(clients, uri, STREAMS, 300);
      Await.until("all streams are open", () -> open(uri) == STREAMS);

      server.terminate();

      Await.until("it is not ready any more", () -> readiness(uri) == 503);
      assertTrue(open(uri) > 0, "nothing was left to wait for: the streams are too short");
      JsonNode late = Api.answer(uri, Api.COMPLETIONS, Api.completion("Late", "max_tokens", 1));
      assertEquals(1, late.at("/usage/completion_tokens").intValue());
      for (Future<HttpResponse<String>> answer : answers) {
        List<JsonNode> events = Frames.of(List.of(answer.get().body())).json();
        assertEquals(300, events.getLast().at("/usage/completion_tokens").intValue());
        JsonNode end = events.get(events.size() - 2);
        assertEquals("length", end.at("/choices/0/finish_reason").textValue());
      }
      assertEquals(0, server.exitCode());
    }
  }

  @Test
  void whatTheTimeDoesNotSufficeForEndsWithAnErrorEvent() throws Exception {
    try (BuiltServer server = server(Map.of("CHASQUI_DRAIN_TIMEOUT", "50ms"));
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      URI uri = server.uri();
      Await.until("it is ready", () -> readiness(uri) == 200);
      List<Future<HttpResponse<String>>> answers = send(clients, uri, 20, 900);
      Await.until("all streams are open", () -> open(uri) == 20);

      server.terminate();

      for (Future<HttpResponse<String>> answer : answers) {
        assertEquals(200, answer.get().statusCode());
        JsonNode last = Frames.of(List.of(answer.get().body())).json().getLast();
        assertEquals("interrupted", last.at("/error/code").textValue());
      }
      assertEquals(0, server.exitCode());
    }
  }

  /** A body that does not come, and an answer that nobody reads. */
  @Test
  void requestsThatAreBrokenOffAreNotWaitedFor() throws Exception {
    var settings = Map.of("CHASQUI_BODY_TIMEOUT", "300ms", "CHASQUI_STREAM_STALL_TIMEOUT", "300ms");
    String unread =
        Api.completion(
            "One", "n", 32, "logprobs", 20, "max_tokens", 400, "ignore_eos", true, "stream", true);
    try (BuiltServer server = server(settings);
        Socket late = connect(server.readyUri(), 9, "{");
        Socket deaf = connect(server.uri(), unread.length(), unread)) {
      var answer = new String(late.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertTrue(answer.startsWith("HTTP/1.1 408 "), answer);
      assertTrue(answer.contains("\"code\":\"body_timeout\""), answer);
      Await.until("the unread stream is broken off", () -> open(server.uri()) == 0);
      Thread.sleep(700); // two stall timeouts after it was last read from

      server.terminate();

      assertEquals(0, server.exitCode());
      assertTrue(server.output().contains("not answered yet, 0 now"), server::output);
    }
  }

  private static Socket connect(URI server, int length, String body) throws IOException {
    var socket = new Socket();
    socket.setReceiveBufferSize(2048);
    socket.connect(new InetSocketAddress(server.getHost(), server.getPort()));
    String head =
        "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            .formatted(Api.COMPLETIONS, length);
    socket.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
    return socket;
  }
}
