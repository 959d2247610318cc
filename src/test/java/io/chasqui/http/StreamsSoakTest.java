package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.Await;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.net.URI;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Hundreds of clients at once, of which many leave, get their own texts and leave nothing. */
@QuarkusTest
@TestProfile(StreamsSoakTest.LittleMemory.class)
class StreamsSoakTest {
  private static final int CLIENTS = 300;

  private static final List<Question> QUESTIONS =
      List.of(
          new Question(Api.CHAT, Api.STORY, true),
          new Question(Api.CHAT, "What is the capital of Japan?", true),
          new Question(Api.CHAT, "Count to nine", true, "temperature", 1),
          new Question(Api.CHAT, Api.STORY, true, "temperature", 1, "n", 3),
          new Question(Api.CHAT, Api.STORY, true, "logprobs", true, "top_logprobs", 2),
          new Question(Api.CHAT, Api.STORY, true, "speculation", "prompt-lookup"),
          new Question(Api.CHAT, Api.STORY, true, "stop", List.of("fox")),
          new Question(Api.CHAT, "Tell me of a bear. ".repeat(30), true, "cache_prompt", false),
          new Question(
              Api.COMPLETIONS, "Once upon a time", true, "ignore_eos", true, "max_tokens", 300),
          new Question(Api.COMPLETIONS, "The fox", true, "n", 2, "temperature", 1),
          new Question(Api.COMPLETIONS, "The fox", true, "echo", true, "logprobs", 1),
          new Question(Api.COMPLETIONS, "The bear", false, "best_of", 3, "temperature", 1),
          new Question(Api.COMPLETIONS, List.of(5), false, "temperature", null, "num_beams", 2),
          new Question(
              Api.COMPLETIONS, "Once", false, "temperature", null, "num_beams", 4, "n", 2));

  @TestHTTPResource("/")
  URI server;

  /** Memory for a tenth of what sixteen sequences may take, and a queue for all who come. */
  public static final class LittleMemory implements QuarkusTestProfile {
    @Override
    public Map<String, String> getConfigOverrides() {
      return Map.of(
          "chasqui.max-num-seqs", "16",
          "chasqui.kv-cache.memory", "2500K",
          "chasqui.queue.capacity", "1000");
    }
  }

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Question(String path, Object prompt, boolean streams, Object... fields) {
    String body(boolean stream) {
      Object[] all = Arrays.copyOf(fields, fields.length + 4);
      all[fields.length] = "stream";
      all[fields.length + 1] = stream;
      all[fields.length + 2] = "seed";
      all[fields.length + 3] = 7;
      return path.equals(Api.CHAT) ? Api.chat((String) prompt, all) : Api.completion(prompt, all);
    }

    String text(JsonNode choice) {
      return choice.at("/message/content").asText("")
          + choice.at("/delta/content").asText("")
          + choice.path("text").asText("");
    }
  }

  @Test
  void everyClientGetsWhatItGetsAloneAndLeavesNothingBehind() throws Exception {
    long seed = new Random().nextLong();
    var random = new Random(seed);
    List<JsonNode> alone = new ArrayList<>();
    for (Question question : QUESTIONS) {
      alone.add(Api.answer(server, question.path, question.body(false)).get("choices"));
    }
    try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> visits = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        int which = random.nextInt(QUESTIONS.size());
        visits.add(clients.submit(client(QUESTIONS.get(which), alone.get(which), random)));
      }
      for (Future<?> visit : visits) {
        visit.get(2, TimeUnit.MINUTES);
      }
    } catch (Exception e) {
      throw new AssertionError("seed " + seed, e);
    }
    for (String gauge :
        List.of(
            "vllm:num_requests_running",
            "vllm:num_requests_waiting",
            "chasqui_parked_streams",
            "vllm:kv_cache_usage_perc")) {
      Await.until(gauge + " is 0, seed " + seed, () -> metric(gauge) == 0);
    }
    assertTrue(metric("vllm:num_preemptions_total") > 0, "memory was never short");
  }

  /** Three of ten leave, at once or in the middle; one of ten reads slowly. */
  private Callable<Void> client(Question question, JsonNode alone, Random random) {
    int kind = random.nextInt(10);
    boolean leaves = kind < 3;
    int most = leaves ? random.nextInt(30) : Integer.MAX_VALUE;
    int pause = kind == 3 ? random.nextInt(30) : 0;
    int begin = random.nextInt(2000);
    return () -> {
      Thread.sleep(begin);
      if (!question.streams && !leaves) {
        assertEquals(alone, Api.answer(server, question.path, question.body(false)).get("choices"));
        return null;
      }
      try (var connection =
          RawConnection.post(server, question.path, question.body(question.streams))) {
        if (question.streams && most > 0) {
          assertEquals("HTTP/1.1 200 OK", connection.readHead().statusLine());
          judge(question, alone, read(connection, most, pause), leaves);
        } else {
          Thread.sleep(10L * most);
        }
      }
      return null;
    };
  }

  private static List<String> read(RawConnection connection, int most, int pause)
      throws InterruptedException {
    List<String> chunks = new ArrayList<>();
    while (chunks.size() < most) {
      String chunk = connection.readChunk();
      if (chunk.isEmpty()) {
        break;
      }
      chunks.add(chunk);
      Thread.sleep(pause);
    }
    return chunks;
  }

  private static void judge(
      Question question, JsonNode alone, List<String> chunks, boolean leaves) {
    Frames frames = Frames.of(chunks);
    boolean isWhole = frames.data().getLast().equals("[DONE]");
    assertTrue(isWhole || leaves, "no end after " + frames.data().getLast());
    List<JsonNode> events =
        frames.data().stream().filter(data -> !data.equals("[DONE]")).map(Api::parse).toList();
    var texts = new TreeMap<Integer, StringBuilder>();
    for (JsonNode event : events) {
      JsonNode choice = event.at("/choices/0");
      texts
          .computeIfAbsent(choice.path("index").asInt(-1), i -> new StringBuilder())
          .append(question.text(choice));
    }
    for (int i = 0; i < alone.size(); i++) {
      String whole = question.text(alone.get(i));
      String read = texts.getOrDefault(i, new StringBuilder()).toString();
      assertEquals(
          isWhole ? whole : whole.substring(0, Math.min(read.length(), whole.length())), read);
    }
    assertTrue(texts.size() <= alone.size(), events.toString());
  }

  private double metric(String name) {
    return Api.send(Api.request(server, "/metrics").GET())
        .body()
        .lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElseThrow();
  }
}
