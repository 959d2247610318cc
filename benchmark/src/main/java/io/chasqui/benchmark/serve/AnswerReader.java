package io.chasqui.benchmark.serve;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.chasqui.benchmark.servers.CompletionStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.stream.Collectors;

/**
 * Takes the lines of an answer with the time of each. They are read only when all is over, so that
 * reading does not make later ones look late.
 */
final class AnswerReader implements Flow.Subscriber<String> {
  private static final int LONGEST_MESSAGE = 300;
  private static final List<String> TEXTS = List.of("content", "reasoning_content", "reasoning");

  private record Line(long time, String text) {}

  private final List<Line> lines = new ArrayList<>();

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public synchronized void onNext(String line) {
    lines.add(new Line(System.nanoTime(), line));
  }

  @Override
  public void onError(Throwable cause) {
    // The exchange fails with it as well.
  }

  @Override
  public void onComplete() {
    // The exchange completes as well.
  }

  private synchronized List<Line> lines() {
    return List.copyOf(lines);
  }

  /** An answer that has another status than 200, or none. */
  Answer failed(long scheduled, long sent, long end, String outcome, String message) {
    return new Answer(scheduled, sent, end, outcome, List.of(), 0, 0, message);
  }

  /** What a server says instead of a stream. */
  String message() {
    String text = lines().stream().map(Line::text).collect(Collectors.joining(" "));
    return text.substring(0, Math.min(LONGEST_MESSAGE, text.length()));
  }

  /** An answer of the status 200 that is over. */
  Answer streamed(long scheduled, long sent, long end) {
    List<Long> events = new ArrayList<>();
    int promptTokens = 0;
    int tokens = 0;
    long finish = 0;
    for (Line line : lines()) {
      JsonNode event;
      try {
        event = CompletionStream.event(line.text()).orElseGet(MissingNode::getInstance);
      } catch (JsonProcessingException e) {
        return failed(scheduled, sent, end, "no JSON", line.text());
      }
      if (event.has("error")) {
        return failed(scheduled, sent, end, "error in the stream", event.get("error").toString());
      }
      JsonNode choice = event.path("choices").path(0);
      if (hasText(choice)) {
        events.add(line.time());
      }
      if (choice.path("finish_reason").isTextual()) {
        finish = line.time();
      }
      promptTokens = event.path("usage").path("prompt_tokens").asInt(promptTokens);
      tokens = event.path("usage").path("completion_tokens").asInt(tokens);
    }
    if (finish == 0) {
      return failed(scheduled, sent, end, "broken off", "the stream has no end");
    }
    int counted = tokens > 0 ? tokens : events.size();
    return new Answer(
        scheduled,
        sent,
        end,
        Answer.COMPLETE,
        events.isEmpty() ? List.of(finish) : events,
        promptTokens,
        counted,
        "");
  }

  private static boolean hasText(JsonNode choice) {
    return !choice.path("text").asText("").isEmpty()
        || TEXTS.stream().anyMatch(text -> !choice.path("delta").path(text).asText("").isEmpty());
  }
}
