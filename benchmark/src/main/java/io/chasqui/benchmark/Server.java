package io.chasqui.benchmark;

import java.io.IOException;
import java.net.ConnectException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A server that is started for a measurement, asked over HTTP, and ended. */
final class Server implements AutoCloseable {
  private static final long SECONDS_TO_START = 120;
  private static final int POLL_MILLIS = 2;
  private static final long KIB = 1024;

  private final Path log;
  private final URI base;
  private final Process process;
  private final HttpClient client = HttpClient.newHttpClient();
  private final long begin;

  /**
   * Starts a server.
   *
   * @param command its words; {@code PORT} stands for the port that it shall listen on
   * @param log where its output goes
   */
  Server(List<String> command, Map<String, String> environment, Path log) throws IOException {
    this.log = log;
    int port = freePort();
    base = URI.create("http://127.0.0.1:" + port);
    var builder =
        new ProcessBuilder(
                command.stream().map(word -> word.replace("PORT", String.valueOf(port))).toList())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().putAll(environment);
    begin = System.nanoTime();
    process = builder.start();
  }

  private static int freePort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /**
   * Waits until a path answers 200.
   *
   * @return seconds since the process was started
   * @throws IOException if the server ends, or does not come up in two minutes
   */
  double awaitHealthy(String path) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(base.resolve(path)).build();
    while (process.isAlive() && seconds() < SECONDS_TO_START) {
      try {
        if (client.send(request, BodyHandlers.discarding()).statusCode() == 200) {
          return seconds();
        }
      } catch (ConnectException e) {
        // The port is not open yet.
      }
      process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
    }
    throw new IOException("a server has not become healthy, see " + log);
  }

  private double seconds() {
    return (System.nanoTime() - begin) / 1e9;
  }

  /**
   * Posts JSON.
   *
   * @throws IOException if the answer is not 200
   */
  void post(String path, String json) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(base.resolve(path))
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(json))
            .build();
    HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException("%s answers %s".formatted(path, response.body()));
    }
  }

  /**
   * Resident memory of a process.
   *
   * @param anonymous bytes that belong to no file
   * @param file bytes of files that it has mapped
   */
  record Resident(long anonymous, long file) {
    long all() {
      return anonymous + file;
    }
  }

  Resident resident() throws IOException {
    return resident(Files.readString(Path.of("/proc/" + process.pid() + "/status")));
  }

  /**
   * @param status the content of {@code /proc/PID/status}
   */
  static Resident resident(String status) {
    return new Resident(kib(status, "RssAnon:"), kib(status, "RssFile:"));
  }

  private static long kib(String status, String field) {
    return status
        .lines()
        .filter(line -> line.startsWith(field))
        .flatMap(line -> Stream.of(line.split("\\s+")).skip(1).limit(1))
        .mapToLong(number -> Long.parseLong(number) * KIB)
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
