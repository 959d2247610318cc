package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A stream goes on after any of its events, with the events that would have come. */
@QuarkusTest
class ResumedStreamTest {
  @TestHTTPResource("/")
  URI server;

  /** Requests of every form whose answers are drawn. */
  static List<List<String>> streams() {
    return List.of(
        List.of(Api.CHAT, Api.chat(Api.STORY, "stream", true, "temperature", 1)),
        List.of(Api.CHAT, Api.chat(Api.STORY, "stream", true, "temperature", 1, "seed", 7)),
        List.of(
            Api.CHAT,
            Api.chat("Hello", "stream", true, "temperature", 2, "logprobs", true, "stop", "the")),
        List.of(
            Api.COMPLETIONS,
            Api.completion("One", "stream", true, "temperature", 1, "echo", true, "logprobs", 1)),
        List.of(
            Api.COMPLETIONS,
            Api.completion(
                "One", "stream", true, "temperature", 1, "n", 3, "max_tokens", 20, "echo", true)));
  }

  private HttpResponse<String> send(String path, String body, String lastEventId) {
    return Api.send(
        Api.request(server, path)
            .header("Content-Type", "application/json")
            .header("Last-Event-ID", lastEventId)
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private Frames stream(String path, String body, String lastEventId) {
    HttpResponse<String> response = send(path, body, lastEventId);
    assertEquals(200, response.statusCode(), response.body());
    return Frames.of(List.of(response.body()));
  }

  @ParameterizedTest
  @MethodSource("streams")
  void whatFollowsAnyEventFollowsItAgain(List<String> request) {
    String path = request.get(0);
    String body = request.get(1);
    Frames whole = stream(path, body, "");
    assertEquals(whole.data().size(), whole.ids().size(), "an event without an id");
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int events = whole.data().size() - 1;
    for (int i = 0; i < 6; i++) {
      int last = random.nextInt(events);
      Frames rest = stream(path, body, whole.ids().get(last));
      String where = "seed " + seed + ", after event " + last + " of " + events;
      assertEquals(inOrderOfChoices(whole, last + 1), inOrderOfChoices(rest, 0), where);
      assertEquals(rest.data().size(), rest.ids().size(), where);
    }
  }

  /** The events of each choice come in order, choices need not. */
  private static List<String> inOrderOfChoices(Frames frames, int from) {
    List<JsonNode> events = frames.json();
    List<String> ordered = new ArrayList<>();
    for (int choice = 0; choice < 3; choice++) {
      int of = choice;
      events.stream()
          .skip(from)
          .filter(event -> event.at("/choices/0/index").intValue() == of)
          .forEach(event -> ordered.add(event.toString()));
    }
    return ordered;
  }

  @Test
  void theIdsOfAChoicesEventsCountThem() {
    Frames whole = stream(Api.CHAT, Api.chat("Hello", "stream", true, "max_tokens", 3), "");

    String answer = whole.json().getFirst().get("id").textValue().substring("chatcmpl-".length());
    assertEquals(
        IntStream.rangeClosed(1, 5).mapToObj(i -> answer + ".0-" + i).toList(),
        whole.ids().subList(0, 5));
  }

  @Test
  void theUsageOfAResumedStreamIsThatOfTheWholeAnswer() {
    var usage = Map.of("include_usage", true);
    String body = Api.chat(Api.STORY, "stream", true, "stream_options", usage, "max_tokens", 12);
    Frames whole = stream(Api.CHAT, body, "");

    Frames rest = stream(Api.CHAT, body, whole.ids().get(8));

    assertEquals(
        whole.json().getLast().at("/usage/completion_tokens"),
        rest.json().getLast().at("/usage/completion_tokens"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "7",
        "chatcmpl-1",
        "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef.1",
        "0123456789abcdef0123456789abcdef.1-9999999999",
        "0123456789abcdef0123456789abcdef.1-1-1",
        "0123456789ABCDEF0123456789ABCDEF.1-1"
      })
  void whatIsNoIdOfThisRequestsEventsIsRefused(String id) {
    JsonNode error = Api.error(send(Api.CHAT, Api.chat("Hello", "stream", true), id));

    assertEquals("Last-Event-ID", error.get("param").textValue());
  }

  @Test
  void anIdOfMoreEventsThanAnAnswerHasIsRefused() {
    String body = Api.chat("Hello", "stream", true, "max_tokens", 4);
    String id = stream(Api.CHAT, body, "").ids().getFirst();

    JsonNode error = Api.error(send(Api.CHAT, body, id.replaceFirst("[.].*", ".99999-1")));

    assertEquals("Last-Event-ID", error.get("param").textValue());
  }

  @ParameterizedTest
  @CsvSource({"Hello, 1", "Hello!, 0"})
  void theIdOfAnotherRequestIsRefused(String question, int temperature) {
    String id = stream(Api.CHAT, Api.chat("Hello", "stream", true), "").ids().getFirst();
    String other = Api.chat(question, "stream", true, "temperature", temperature);

    JsonNode error = Api.error(send(Api.CHAT, other, id));

    assertTrue(
        Pattern.matches(".*another request; repeat.*", error.get("message").textValue()),
        error.toString());
  }

  @Test
  void anAnswerThatDoesNotStreamCannotBeResumed() {
    String id = stream(Api.CHAT, Api.chat("Hello", "stream", true), "").ids().getFirst();

    Api.error(send(Api.CHAT, Api.chat("Hello"), id));
  }
}
