package io.chasqui.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.Await;
import io.chasqui.http.Api;
import io.chasqui.http.Frames;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Streams of a process that was killed go on in another one, and are whole and the same. */
class ResumeIT {
  private static final int STREAMS = 20;
  private static final int TOKENS = 300;

  @TempDir Path directory;

  private BuiltServer server(String log) throws IOException {
    return new BuiltServer("demo", directory.resolve(log), Map.of("CHASQUI_QUEUE_CAPACITY", "64"));
  }

  /** A drawn answer; every second request leaves the seed to the server. */
  private static String body(int number) {
    Object[] fields = {"stream", true, "temperature", 1, "max_tokens", TOKENS, "ignore_eos", true};
    List<Object> all = new ArrayList<>(List.of(fields));
    if (number % 2 == 0) {
      all.addAll(List.of("seed", number));
    }
    return Api.completion("Story number " + number + ":", all.toArray());
  }

  /** What a client has received, line by line, until the stream ends in any way. */
  private static final class Client {
    private final List<String> lines = new ArrayList<>();

    void read(HttpClient http, URI server, String body) {
      HttpRequest request =
          HttpRequest.newBuilder(server.resolve(Api.COMPLETIONS))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(body))
              .build();
      try (Stream<String> read = http.send(request, HttpResponse.BodyHandlers.ofLines()).body()) {
        read.forEach(this::add);
      } catch (IOException | UncheckedIOException e) {
        // The server was killed.
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }

    private synchronized void add(String line) {
      lines.add(line);
    }

    synchronized int events() {
      return (int) lines.stream().filter(line -> line.startsWith("id: ")).count();
    }

    /** The whole events that have come. */
    synchronized Frames frames() {
      int end = lines.lastIndexOf("");
      return Frames.of(
          end < 0 ? List.of() : List.of(String.join("\n", lines.subList(0, end)) + "\n\n"));
    }
  }

  @Test
  void twentyStreamsOfAKilledProcessGoOnInAnotherOne() throws Exception {
    try (BuiltServer first = server("first");
        BuiltServer second = server("second");
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      URI other = second.uri();
      URI uri = first.uri();
      List<Client> clients = Stream.generate(Client::new).limit(STREAMS).toList();
      List<Future<?>> reading = new ArrayList<>();
      for (int i = 0; i < STREAMS; i++) {
        Client client = clients.get(i);
        String body = body(i);
        reading.add(threads.submit(() -> client.read(http, uri, body)));
      }
      Await.until(
          "streams are under way",
          () -> clients.stream().filter(client -> client.events() > 20).count() >= 10);
      first.kill();
      for (Future<?> each : reading) {
        each.get();
      }

      int cut = 0;
      for (int i = 0; i < STREAMS; i++) {
        Frames before = clients.get(i).frames();
        if (before.ids().isEmpty()) {
          continue; // it had no event to go on from
        }
        cut += before.data().contains("[DONE]") ? 0 : 1;
        Frames after = resume(other, body(i), before.ids().getLast());
        String answer = before.ids().getFirst().replaceAll("[.].*", "");
        Frames whole = resume(other, body(i), answer + ".0-0");
        assertEquals(whole.data(), joined(before, after), "stream " + i);
      }
      assertTrue(cut >= 10, "only " + cut + " streams were cut");
    }
  }

  private static List<String> joined(Frames before, Frames after) {
    List<String> data = new ArrayList<>(before.data());
    data.remove("[DONE]");
    data.addAll(after.data());
    return data;
  }

  private static Frames resume(URI server, String body, String lastEventId) {
    HttpResponse<String> response =
        Api.send(
            Api.request(server, Api.COMPLETIONS)
                .header("Content-Type", "application/json")
                .header("Last-Event-ID", lastEventId)
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    assertEquals(200, response.statusCode(), response.body());
    return Frames.of(List.of(response.body()));
  }
}
