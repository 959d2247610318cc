package io.chasqui.pack;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A hub on a local port, with one model, that fails in the ways it is told to. */
final class FakeHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";
  static final HubModel MODEL = new HubModel("acme", "tiny", "main");

  private static final String LISTING = "/api/models/acme/tiny/revision/";
  private static final String FILES = "/acme/tiny/resolve/" + COMMIT + "/";

  /** What a client asked for. */
  record Request(
      String path, Optional<String> range, Optional<String> ifRange, Optional<String> token) {}

  final Map<String, byte[]> files = new ConcurrentSkipListMap<>();
  final Map<String, String> listedSha256 = new ConcurrentHashMap<>();
  final List<String> alsoListed = new CopyOnWriteArrayList<>();
  final List<Request> requests = new CopyOnWriteArrayList<>();
  boolean listsSizes = true;
  boolean knowsRanges = true;

  private final Map<String, Queue<HttpHandler>> instead = new ConcurrentHashMap<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final HttpServer server;

  FakeHub() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** A hub with a small model whose weights have a listed digest, as large files do. */
  static FakeHub withModel() throws IOException {
    FakeHub hub = new FakeHub();
    hub.files.put("config.json", "{}".getBytes(StandardCharsets.UTF_8));
    hub.files.put("tokenizer.json", "{\"model\":{}}".getBytes(StandardCharsets.UTF_8));
    hub.files.put(
        SafetensorsFiles.SINGLE,
        SafetensorsHeaderTest.safetensors(
            "{\"w\":{\"dtype\":\"U8\",\"shape\":[500000],\"data_offsets\":[0,500000]}}", 500_000));
    Arrays.fill(hub.weights(), 400_000, 450_000, (byte) 7);
    hub.listedSha256.put(SafetensorsFiles.SINGLE, sha256(hub.weights()));
    return hub;
  }

  byte[] weights() {
    return files.get(SafetensorsFiles.SINGLE);
  }

  URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /** The next request for a file, or for the list when there is no file, is answered so. */
  void nextTime(String file, HttpHandler handler) {
    instead
        .computeIfAbsent(file.isEmpty() ? LISTING + "main" : FILES + file, _ -> queue())
        .add(handler);
  }

  private static Queue<HttpHandler> queue() {
    return new ConcurrentLinkedQueue<>();
  }

  /** The requests for one file, or for the list. */
  List<Request> requestsFor(String file) {
    String path = file.isEmpty() ? LISTING + "main" : FILES + file;
    return requests.stream().filter(request -> request.path().equals(path)).toList();
  }

  static HttpHandler status(int status, String... headers) {
    return exchange -> {
      for (int i = 0; i < headers.length; i += 2) {
        exchange.getResponseHeaders().add(headers[i], headers[i + 1]);
      }
      exchange.sendResponseHeaders(status, -1);
      exchange.close();
    };
  }

  /** Announces all of it, sends a part, waits, and breaks the connection. */
  static HttpHandler breakAfter(byte[] contents, int bytes, Wait wait) {
    return exchange -> {
      exchange.getResponseHeaders().add("ETag", etag(contents));
      exchange.sendResponseHeaders(200, contents.length);
      exchange.getResponseBody().write(contents, 0, bytes);
      exchange.getResponseBody().flush();
      try {
        wait.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      exchange.close();
    };
  }

  /** Something to wait for. */
  @FunctionalInterface
  interface Wait {
    void await() throws InterruptedException;
  }

  static String etag(byte[] contents) {
    return "\"" + sha256(contents).substring(0, 40) + "\"";
  }

  static String sha256(byte[] contents) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(contents));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    requests.add(
        new Request(
            path,
            header(exchange, "Range"),
            header(exchange, "If-Range"),
            header(exchange, "Authorization")));
    Queue<HttpHandler> queue = instead.getOrDefault(path, new ConcurrentLinkedQueue<>());
    HttpHandler once = queue.poll();
    if (once != null) {
      once.handle(exchange);
    } else if (path.startsWith(LISTING)) {
      send(exchange, 200, listing().getBytes(StandardCharsets.UTF_8), 0);
    } else {
      serve(exchange, files.get(path.substring(path.lastIndexOf('/') + 1)));
    }
  }

  /** Answers with a file as a server does that knows ranges. */
  void serve(HttpExchange exchange, byte[] contents) throws IOException {
    if (contents == null) {
      status(404).handle(exchange);
      return;
    }
    exchange.getResponseHeaders().add("ETag", etag(contents));
    Optional<String> range = header(exchange, "Range");
    boolean same = header(exchange, "If-Range").map(etag(contents)::equals).orElse(true);
    if (range.isEmpty() || !same || !knowsRanges) {
      send(exchange, 200, contents, 0);
      return;
    }
    int begin = Integer.parseInt(range.get().replaceAll("bytes=(\\d+)-", "$1"));
    if (begin >= contents.length) {
      status(416, "Content-Range", "bytes */" + contents.length).handle(exchange);
    } else {
      exchange
          .getResponseHeaders()
          .add(
              "Content-Range",
              "bytes %d-%d/%d".formatted(begin, contents.length - 1, contents.length));
      send(exchange, 206, contents, begin);
    }
  }

  private static void send(HttpExchange exchange, int status, byte[] contents, int begin)
      throws IOException {
    exchange.sendResponseHeaders(status, contents.length - begin);
    exchange.getResponseBody().write(contents, begin, contents.length - begin);
    exchange.close();
  }

  private String listing() {
    ObjectNode listing = new JsonMapper().createObjectNode().put("sha", COMMIT);
    var siblings = listing.putArray("siblings");
    files.forEach((name, contents) -> {
      ObjectNode sibling = siblings.addObject().put("rfilename", name);
      if (listsSizes) {
        sibling.put("size", contents.length);
      }
      if (listedSha256.containsKey(name)) {
        sibling.putObject("lfs").put("sha256", listedSha256.get(name));
      }
    });
    alsoListed.forEach(name -> siblings.addObject().put("rfilename", name));
    return listing.toString();
  }

  private static Optional<String> header(HttpExchange exchange, String name) {
    return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
  }
}
