package io.chasqui.benchmark.servers;

import io.chasqui.benchmark.results.Quantity;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A server that is started for a measurement, asked over HTTP, and ended. */
public final class Server implements TokenSource, AutoCloseable {
  private static final long SECONDS_TO_START = 120;
  private static final long POLL_NANOS = 2_000_000;
  private static final long PORT_POLL_NANOS = 500_000;
  private static final long KIB = 1024;
  private static final double MB = 1e6;

  /** Linux counts processor time in these, whatever its own clock is. */
  private static final double TICKS_PER_SECOND = 100;

  private static final Pattern KERNELS = Pattern.compile("Kernels: (\\S+)");

  private final Launch launch;
  private final InetSocketAddress address;
  private final Process process;
  // A client that offered HTTP/2 would change what a server does first.
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final long begin;

  /** Starts a server. */
  public Server(Launch launch) throws IOException {
    this.launch = launch;
    address = new InetSocketAddress("127.0.0.1", freePort());
    String port = String.valueOf(address.getPort());
    var builder =
        new ProcessBuilder(
                launch.command().stream().map(word -> word.replace(Launch.PORT, port)).toList())
            .redirectErrorStream(true)
            .redirectOutput(launch.log().toFile());
    builder.environment().putAll(launch.environment());
    begin = System.nanoTime();
    process = builder.start();
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /**
   * Waits until the port is open.
   *
   * @return seconds since the process was started
   * @throws IOException if the server ends, or does not come up in two minutes
   */
  public double awaitPort() throws IOException {
    while (isStarting()) {
      try (var channel = SocketChannel.open()) {
        channel.connect(address);
        return seconds();
      } catch (ConnectException e) {
        LockSupport.parkNanos(PORT_POLL_NANOS);
      }
    }
    throw failure("has not opened its port");
  }

  /**
   * Waits until the health check answers 200.
   *
   * @return seconds since the process was started
   * @throws IOException if the server ends, or does not come up in two minutes
   */
  public double awaitHealthy() throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(uri(launch.health())).build();
    while (isStarting()) {
      try {
        if (client.send(request, BodyHandlers.discarding()).statusCode() == 200) {
          return seconds();
        }
      } catch (ConnectException e) {
        // The port is not open yet.
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw failure("has not become healthy");
  }

  /**
   * Sends a request of {@link CompletionStream} to the open port, again and again for as long as
   * the answer is 503, and reads the answer to its end.
   *
   * @return seconds from the start of the process to the first token
   * @throws IOException if the server ends, answers something else, or does not come up in two
   *     minutes
   */
  public double awaitFirstToken(String json) throws IOException, InterruptedException {
    HttpRequest request = post(CompletionStream.PATH, json);
    while (isStarting()) {
      HttpResponse<Stream<String>> response = client.send(request, BodyHandlers.ofLines());
      try (Stream<String> lines = response.body()) {
        switch (response.statusCode()) {
          case 200 -> {
            return seconds(CompletionStream.firstToken(lines.iterator()));
          }
          case 503 -> lines.forEach(line -> {});
          default -> throw refusal(response, lines);
        }
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
    throw failure("has not become able to answer");
  }

  @Override
  public TokenTimes stream(StreamRequest request, IntConsumer progress)
      throws IOException, InterruptedException {
    try {
      return stream(client, post(CompletionStream.PATH, request.json()), request, progress);
    } catch (UncheckedIOException e) {
      throw new IOException("a stream has broken off, see " + launch.log(), e);
    }
  }

  /**
   * Sends a request and reads its answer to its end.
   *
   * @throws UncheckedIOException if the answer breaks off
   */
  static TokenTimes stream(
      HttpClient client, HttpRequest post, StreamRequest request, IntConsumer progress)
      throws IOException, InterruptedException {
    long sent = System.nanoTime();
    HttpResponse<Stream<String>> response = client.send(post, BodyHandlers.ofLines());
    try (Stream<String> lines = response.body()) {
      if (response.statusCode() != 200) {
        throw refusal(response, lines);
      }
      return request.read(sent, lines.iterator(), progress);
    }
  }

  private static IOException refusal(HttpResponse<?> response, Stream<String> lines) {
    return new IOException(
        "%s answers %d: %s"
            .formatted(
                response.uri(), response.statusCode(), lines.collect(Collectors.joining(" "))));
  }

  private boolean isStarting() {
    return process.isAlive() && seconds() < SECONDS_TO_START;
  }

  private IOException failure(String what) {
    return new IOException("a server %s, see %s".formatted(what, launch.log()));
  }

  private double seconds() {
    return seconds(System.nanoTime());
  }

  private double seconds(long time) {
    return (time - begin) / 1e9;
  }

  private URI uri(String path) {
    return url().resolve(path);
  }

  public InetSocketAddress address() {
    return address;
  }

  /** Without a path. */
  public URI url() {
    return URI.create("http://%s:%d".formatted(address.getHostString(), address.getPort()));
  }

  private HttpRequest post(String path, String json) {
    return post(uri(path), json);
  }

  /** A request with JSON. */
  static HttpRequest post(URI uri, String json) {
    return HttpRequest.newBuilder(uri)
        .header("content-type", "application/json")
        .POST(BodyPublishers.ofString(json))
        .build();
  }

  /**
   * Posts JSON.
   *
   * @return the answer's body
   * @throws IOException if the answer is not 200
   */
  public String send(String path, String json) throws IOException, InterruptedException {
    HttpResponse<String> response = client.send(post(path, json), BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException("%s answers %s".formatted(path, response.body()));
    }
    return response.body();
  }

  /**
   * Asks for something.
   *
   * @throws IOException if the answer is not 200
   */
  public String get(String path) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(uri(path)).build();
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException("%s answers %s".formatted(path, response.body()));
    }
    return response.body();
  }

  /** What the server has written so far. */
  public String output() throws IOException {
    return Files.readString(launch.log());
  }

  /** The kernels that a server of Chasqui has named in its log. */
  Optional<String> kernels() throws IOException {
    return KERNELS.matcher(output()).results().map(found -> found.group(1)).findFirst();
  }

  /**
   * Resident memory of a process.
   *
   * @param anonymous bytes that belong to no file
   * @param file bytes of files that it has mapped
   * @param peak the most that both have been together
   */
  public record Resident(long anonymous, long file, long peak) {
    public long all() {
      return anonymous + file;
    }

    /**
     * What it comes to.
     *
     * @param weightBytes of one copy of the weights
     */
    public Map<Quantity, Double> numbers(long weightBytes) {
      Map<Quantity, Double> numbers = new LinkedHashMap<>();
      numbers.put(Quantity.lower("resident, anonymous", "MB", 0), anonymous / MB);
      numbers.put(Quantity.lower("resident, of files", "MB", 0), file / MB);
      numbers.put(
          Quantity.lower("resident beyond the weights", "MB", 0), (all() - weightBytes) / MB);
      return numbers;
    }
  }

  public Resident resident() throws IOException {
    return resident(status());
  }

  private String status() throws IOException {
    return Files.readString(proc("status"));
  }

  private Path proc(String file) {
    return Path.of("/proc", String.valueOf(process.pid()), file);
  }

  /**
   * @param status the content of {@code /proc/PID/status}
   */
  public static Resident resident(String status) {
    return new Resident(kib(status, "RssAnon:"), kib(status, "RssFile:"), kib(status, "VmHWM:"));
  }

  /**
   * What a process has of the system.
   *
   * @param files open ones, connections among them
   */
  public record Holdings(Resident resident, int files, int threads) {}

  public Holdings holdings() throws IOException {
    String status = status();
    try (Stream<Path> files = Files.list(proc("fd"))) {
      return new Holdings(resident(status), (int) files.count(), threads(status));
    }
  }

  /**
   * @param status the content of {@code /proc/PID/status}
   */
  static int threads(String status) {
    return (int) number(status, "Threads:");
  }

  /** Processor time of all threads, those that have ended among them, to a hundredth. */
  public double cpuSeconds() throws IOException {
    return cpuSeconds(Files.readString(proc("stat")));
  }

  /**
   * @param stat the content of {@code /proc/PID/stat}: user and system time are the fields 14 and
   *     15
   */
  public static double cpuSeconds(String stat) {
    // The second field is the program's name in parentheses, which may have anything in it.
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / TICKS_PER_SECOND;
  }

  private static long kib(String status, String field) {
    return number(status, field) * KIB;
  }

  private static long number(String status, String field) {
    return status
        .lines()
        .filter(line -> line.startsWith(field))
        .flatMap(line -> Stream.of(line.split("\\s+")).skip(1).limit(1))
        .mapToLong(Long::parseLong)
        .findFirst()
        .orElseThrow();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    client.close();
  }
}
