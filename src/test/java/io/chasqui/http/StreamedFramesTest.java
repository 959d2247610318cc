package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.chasqui.engine.FinishReason;
import io.chasqui.engine.Generation;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Token;
import io.chasqui.engine.Timings;
import io.chasqui.engine.Usage;
import io.smallrye.mutiny.Multi;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

/** Events come on the engine's thread, which all streams wait for. */
class StreamedFramesTest {
  private final Counting json = new Counting();

  private static final class Counting extends ObjectMapper {
    private static final long serialVersionUID = 1L;
    private int written;

    @Override
    public String writeValueAsString(Object value) throws JsonProcessingException {
      written++;
      return super.writeValueAsString(value);
    }
  }

  private record Replayed(List<GenerationEvent> events) implements Generation {
    @Override
    public void subscribe(Flow.Subscriber<? super GenerationEvent> subscriber) {
      Multi.createFrom().iterable(events).subscribe(subscriber);
    }

    @Override
    public void cancel() {}

    @Override
    public CompletionStage<Usage> usage() {
      return CompletableFuture.completedStage(new Usage(1, 2));
    }
  }

  @Test
  void jsonIsWrittenWhereTheEventIsAndNotWhereItComes() {
    var head = new AnswerFormat.Head("id", 0, "model", 1, false, false);
    var format = new AnswerFormat.Text(head, null, new int[] {1}, "");
    var generation = new Replayed(List.of(token(0, "a"), token(1, "b"), end()));

    List<Iterable<String>> frames =
        new Answers(json, new RequestMemory(64 << 20, 1 << 20, 1))
            .frames(generation, format, false, StreamPosition.start(0, 1))
            .collect()
            .asList()
            .await()
            .indefinitely();

    assertEquals(0, json.written);
    List<String> text = frames.stream().map(each -> String.join("", each)).toList();
    assertEquals(3, json.written); // two tokens, and the reason
    assertTrue(text.get(1).contains("\"text\":\"a\""), text.get(1));
    assertFalse(text.get(1).contains("\"text\":\"b\""), text.get(1));
    assertTrue(text.getLast().endsWith(EventStream.frame(EventStream.DONE)), text.getLast());
  }

  private static Token token(int index, String text) {
    return new Token(0, index, index, text, Optional.empty(), Optional.empty());
  }

  private static Finished end() {
    return new Finished(
        FinishReason.LENGTH,
        2,
        new Usage(1, 2),
        new Timings(Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO));
  }
}
