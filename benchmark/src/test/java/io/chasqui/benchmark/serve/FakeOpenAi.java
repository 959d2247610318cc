package io.chasqui.benchmark.serve;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server with OpenAI's API, whose answers have as many tokens as they are asked for. Texts that
 * begin with a word of {@link Fault} get something else.
 */
public final class FakeOpenAi implements AutoCloseable {
  /** What a prompt asks for. */
  enum Fault {
    REFUSE,
    BREAK_OFF,
    FAIL_WITHIN,
    HANG
  }

  private static final JsonMapper JSON = new JsonMapper();

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final CountDownLatch gate;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final List<JsonNode> bodies = new CopyOnWriteArrayList<>();
  private final List<String> keys = new CopyOnWriteArrayList<>();
  private final AtomicInteger answered = new AtomicInteger();

  /** One that answers at once. */
  public FakeOpenAi() throws IOException {
    this(0);
  }

  /**
   * @param together requests that it waits for before it answers any
   */
  FakeOpenAi(int together) throws IOException {
    gate = new CountDownLatch(together);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/v1/completions", exchange -> answer(exchange, "\"text\":\"a\""));
    server.createContext(
        "/v1/chat/completions", exchange -> answer(exchange, "\"delta\":{\"content\":\"a\"}"));
    server.createContext(
        "/v1/models",
        exchange -> send(exchange, 200, "{\"data\":[{\"id\":\"fake\",\"max_model_len\":100}]}"));
    server.createContext("/tokenize", this::tokenize);
    server.createContext("/metrics", exchange -> send(exchange, 200, metrics(answered.get())));
    server.start();
  }

  /** Without a path. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  /** The bodies of the requests for answers, as they came. */
  public List<JsonNode> bodies() {
    return bodies;
  }

  /** What each of them had of a key. */
  public List<String> keys() {
    return keys;
  }

  /** Of a request a millisecond of queue, two of prefill, three of decode, and half of sampling. */
  static String metrics(int requests) {
    return """
    # TYPE vllm:request_queue_time_seconds histogram
    vllm:request_queue_time_seconds_bucket{le="0.1"} 7.0
    vllm:request_queue_time_seconds_count %1$d.0
    vllm:request_queue_time_seconds_sum %2$s
    vllm:request_prefill_time_seconds_count{model_name="a {b}"} 0.0
    vllm:request_prefill_time_seconds_sum{model_name="a"} %3$s
    vllm:request_decode_time_seconds_count %1$d
    vllm:request_decode_time_seconds_sum %4$s
    chasqui_request_sampling_time_seconds_sum %5$s
    """
        .formatted(
            requests, requests * 0.001, requests * 0.002, requests * 0.003, requests * 0.0005);
  }

  /** A token for each word. */
  private void tokenize(HttpExchange exchange) throws IOException {
    JsonNode body = JSON.readTree(exchange.getRequestBody());
    String text =
        body.path("prompt").asText(body.path("messages").path(0).path("content").asText());
    List<Integer> words = List.of(text.split(" ")).stream().map(String::length).toList();
    send(exchange, 200, "{\"tokens\":%s}".formatted(words));
  }

  private void answer(HttpExchange exchange, String token) throws IOException {
    JsonNode body = JSON.readTree(exchange.getRequestBody());
    bodies.add(body);
    keys.add(String.valueOf(exchange.getRequestHeaders().getFirst("authorization")));
    gate.countDown();
    await(gate);
    Optional<Fault> fault = fault(body);
    if (fault.equals(Optional.of(Fault.REFUSE))) {
      send(exchange, 429, "{\"error\":\"the queue is full\"}");
      return;
    }
    try (exchange) {
      exchange.sendResponseHeaders(200, 0);
      write(exchange, ": a comment\n\n");
      int tokens = body.path("max_tokens").asInt();
      for (int i = 0; i < tokens; i++) {
        write(exchange, "data: {\"choices\":[{%s}]}\n\n".formatted(token));
      }
      if (fault.isPresent()) {
        end(exchange, fault.get());
        return;
      }
      write(exchange, "data: {\"choices\":[{\"finish_reason\":\"length\"}]}\n\n");
      answered.incrementAndGet();
      write(
          exchange,
          "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":%d}}\n\n"
              .formatted(tokens));
      write(exchange, "data: [DONE]\n\n");
    }
  }

  private void end(HttpExchange exchange, Fault fault) throws IOException {
    switch (fault) {
      case FAIL_WITHIN -> write(exchange, "data: {\"error\":{\"message\":\"out of memory\"}}\n\n");
      case HANG -> await(closed);
      case BREAK_OFF, REFUSE -> {}
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static Optional<Fault> fault(JsonNode body) {
    String prompt = body.path("prompt").asText("");
    return List.of(Fault.values()).stream()
        .filter(fault -> prompt.startsWith(fault.name()))
        .findAny();
  }

  private static void write(HttpExchange exchange, String text) throws IOException {
    exchange.getResponseBody().write(text.getBytes(StandardCharsets.UTF_8));
    exchange.getResponseBody().flush();
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    try (exchange) {
      byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, bytes.length);
      exchange.getResponseBody().write(bytes);
    }
  }

  @Override
  public void close() {
    closed.countDown();
    while (gate.getCount() > 0) {
      gate.countDown();
    }
    server.stop(0);
    threads.shutdownNow();
  }
}
