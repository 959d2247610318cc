package io.chasqui.it;

import io.chasqui.Await;
import io.chasqui.http.Api;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The built program, on a JVM or native, started on a port of its own to serve some model. */
final class BuiltServer implements AutoCloseable {
  private static final Path TARGET = Path.of("target").toAbsolutePath();
  private static final Path FLAGS = Path.of("deployment/server.flags").toAbsolutePath();
  private static final Pattern LISTENING = Pattern.compile("Listening on: (http://[^\\s\"]+)");

  private final Process process;
  private final Path log;

  BuiltServer(Path model, Path log) throws IOException {
    this(model.toString(), log, Map.of());
  }

  /**
   * @param settings environment variables
   */
  BuiltServer(String model, Path log, Map<String, String> settings) throws IOException {
    this(model, log, settings, Path.of("."));
  }

  /**
   * @param settings environment variables
   * @param directory where their relative paths begin
   */
  BuiltServer(String model, Path log, Map<String, String> settings, Path directory)
      throws IOException {
    this(model, log, settings, directory, List.of());
  }

  /** The demo model, in a process that may have so many open files. */
  static BuiltServer withOpenFiles(int files, Path log) throws IOException {
    String limited = "ulimit -n %d && exec \"$0\" \"$@\"".formatted(files);
    return new BuiltServer("demo", log, Map.of(), Path.of("."), List.of("sh", "-c", limited));
  }

  /** The demo model in a program whose heap grows to so much. */
  static BuiltServer withHeap(String size, Path log) throws IOException {
    String option = "-Xmx" + size;
    String withOption = "exec \"$0\" %s \"$@\"".formatted(option);
    return isNative()
        ? new BuiltServer("demo", log, Map.of(), Path.of("."), List.of("sh", "-c", withOption))
        : new BuiltServer("demo", log, Map.of("JAVA_TOOL_OPTIONS", option));
  }

  /** Whether the program is an executable, which reads no options of a JVM but its arguments. */
  static boolean isNative() {
    return artifact().getProperty("type").equals("native");
  }

  private BuiltServer(
      String model, Path log, Map<String, String> settings, Path directory, List<String> launcher)
      throws IOException {
    this.log = log;
    List<String> command = new ArrayList<>(launcher);
    command.addAll(program());
    command.addAll(List.of("serve", "--host", "127.0.0.1", "--port", "0", "--model", model));
    var builder =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile());
    builder.environment().putAll(settings);
    process = builder.start();
  }

  /** What the build has made last, as Quarkus notes it for its own integration tests. */
  private static Properties artifact() {
    var artifact = new Properties();
    try (InputStream in = Files.newInputStream(TARGET.resolve("quarkus-artifact.properties"))) {
      artifact.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return artifact;
  }

  private static List<String> program() {
    String path = TARGET.resolve(artifact().getProperty("path")).toString();
    if (isNative()) {
      return List.of(path);
    }
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    return List.of(java, "@" + FLAGS, "-jar", path);
  }

  /** Waits until its port is open, which is before its model is ready. */
  URI uri() {
    Await.until("the program listens: " + log, () -> !process.isAlive() || address().find());
    Matcher address = address();
    if (!address.find()) {
      throw new IllegalStateException("the program has ended: " + output());
    }
    return URI.create(address.group(1));
  }

  private Matcher address() {
    return LISTENING.matcher(output());
  }

  /** All that it has written to its standard output and error. */
  String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Waits until its port is open and its model is ready. */
  URI readyUri() {
    URI uri = uri();
    Await.until(
        "the model is ready: " + log,
        () -> Api.send(Api.request(uri, "/q/health/ready")).statusCode() == 200);
    return uri;
  }

  /** Sends SIGTERM. */
  void terminate() {
    process.destroy();
  }

  /** Sends SIGKILL. */
  void kill() {
    process.destroyForcibly();
  }

  /** Waits for its end. */
  int exitCode() {
    Await.until("the program has ended: " + log, () -> !process.isAlive());
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    Await.until("the program has ended", () -> !process.isAlive());
  }
}
