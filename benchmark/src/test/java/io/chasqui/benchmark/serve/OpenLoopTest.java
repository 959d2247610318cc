package io.chasqui.benchmark.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.benchmark.serve.FakeOpenAi.Fault;
import io.chasqui.chat.ChatMessage;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class OpenLoopTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final RequestWriter WRITER = new RequestWriter("fake", true, true);

  private static Request text(String prompt, int tokens) {
    return WRITER.text(Prompt.plain(prompt, OptionalInt.empty()), tokens);
  }

  private static List<Answer> run(String url, Duration timeout, long begin, Request... requests)
      throws InterruptedException {
    try (var endpoint = new Endpoint(url, Optional.empty())) {
      List<OpenLoop.Timed> timed =
          List.of(requests).stream().map(request -> new OpenLoop.Timed(0, request)).toList();
      return OpenLoop.run(endpoint, timed, begin, timeout);
    }
  }

  private static Answer answer(FakeOpenAi server, Request request) throws InterruptedException {
    return run(server.url(), MINUTE, System.nanoTime(), request).getFirst();
  }

  @Test
  void aServerThatAnswersNobodyDoesNotKeepRequestsBack() throws Exception {
    int together = 64;
    try (var server = new FakeOpenAi(together)) {
      List<Answer> answers =
          run(
              server.url(),
              MINUTE,
              System.nanoTime(),
              Collections.nCopies(together, text("a", 2)).toArray(Request[]::new));

      assertEquals(together, answers.stream().filter(Answer::isComplete).count());
    }
  }

  @Test
  void aClientThatIsLateDoesNotMakeTheServerLookQuick() throws Exception {
    try (var server = new FakeOpenAi()) {
      long begin = System.nanoTime() - Duration.ofSeconds(10).toNanos();
      Answer answer = run(server.url(), MINUTE, begin, text("a", 2)).getFirst();

      assertEquals(begin, answer.scheduled());
      assertTrue(answer.sendDelayMillis() >= 10_000);
      assertTrue(answer.firstTokenMillis() > answer.sendDelayMillis());
      assertTrue(answer.endToEndMillis() >= answer.firstTokenMillis());
    }
  }

  @Test
  void noRequestIsSentBeforeItsTime() throws Exception {
    try (var server = new FakeOpenAi();
        var endpoint = new Endpoint(server.url(), Optional.empty())) {
      long begin = System.nanoTime();
      List<OpenLoop.Timed> requests =
          List.of(
              new OpenLoop.Timed(20_000_000, text("a", 1)),
              new OpenLoop.Timed(60_000_000, text("b", 1)));

      List<Answer> answers = OpenLoop.run(endpoint, requests, begin, MINUTE);

      assertEquals(
          List.of(begin + 20_000_000, begin + 60_000_000),
          answers.stream().map(Answer::scheduled).toList());
      assertTrue(answers.stream().allMatch(answer -> answer.sent() >= answer.scheduled()));
    }
  }

  @Test
  void tokensOfTextsAndConversationsAreCounted() throws Exception {
    Prompt conversation =
        Prompt.conversation(List.of(ChatMessage.user("Why?")), OptionalInt.empty());
    try (var server = new FakeOpenAi()) {
      for (Request request :
          List.of(text("a", 3), WRITER.text(conversation, 3), WRITER.ids(new int[] {1, 2}, 3))) {
        Answer answer = answer(server, request);

        assertEquals(Answer.COMPLETE, answer.outcome());
        assertEquals(3, answer.events().size());
        assertEquals(3, answer.tokens());
        assertEquals(5, answer.promptTokens());
      }
      assertEquals("[1,2]", server.bodies().getLast().path("prompt").toString());
      assertEquals("Why?", server.bodies().get(1).at("/messages/0/content").asText());
    }
  }

  @Test
  void refusalsAndBrokenAnswersHaveTheirOutcomes() throws Exception {
    try (var server = new FakeOpenAi()) {
      Answer refused = answer(server, text(Fault.REFUSE.name(), 2));
      assertEquals(Answer.REFUSED, refused.outcome());
      assertTrue(refused.message().contains("the queue is full"), refused.message());
      assertEquals("broken off", answer(server, text(Fault.BREAK_OFF.name(), 2)).outcome());
      Answer failed = answer(server, text(Fault.FAIL_WITHIN.name(), 2));
      assertEquals("error in the stream", failed.outcome());
      assertTrue(failed.message().contains("out of memory"), failed.message());
    }
  }

  @Test
  void anAnswerThatTakesTooLongIsGivenUp() throws Exception {
    try (var server = new FakeOpenAi()) {
      Answer answer =
          run(server.url(), Duration.ofMillis(300), System.nanoTime(), text(Fault.HANG.name(), 2))
              .getFirst();

      assertEquals(Answer.TIMEOUT, answer.outcome());
    }
  }

  @Test
  void aServerThatIsNotThereIsAnOutcomeToo() throws Exception {
    assertEquals(
        "no connection",
        run("http://127.0.0.1:" + unusedPort(), MINUTE, System.nanoTime(), text("a", 1))
            .getFirst()
            .outcome());
  }

  private static int unusedPort() throws IOException {
    try (var socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Test
  void aUrlMayEndWithTheVersionAndMustBeOfHttp() throws Exception {
    try (var server = new FakeOpenAi()) {
      assertEquals(
          Answer.COMPLETE,
          run(server.url() + "/v1/", MINUTE, System.nanoTime(), text("a", 1)).getFirst().outcome());
    }
    assertThrows(
        IllegalArgumentException.class, () -> new Endpoint("localhost:80", Optional.empty()));
  }

  @Test
  void aServerTellsItsModelAndTheTokensOfPrompts() throws Exception {
    try (var server = new FakeOpenAi();
        var endpoint = new Endpoint(server.url(), Optional.empty())) {
      assertEquals(
          new Endpoint.Model("fake", OptionalInt.of(100)), endpoint.model(Optional.empty()));
      assertEquals(
          new Endpoint.Model("other", OptionalInt.empty()), endpoint.model(Optional.of("other")));
      assertEquals(
          2, endpoint.tokens("fake", Prompt.plain("two words", OptionalInt.empty())).get().length);
    }
  }
}
