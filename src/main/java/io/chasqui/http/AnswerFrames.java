package io.chasqui.http;

import io.chasqui.engine.FinishReason;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import java.util.BitSet;
import java.util.List;
import java.util.function.Function;

/** From the events of one generation to those of its stream. */
final class AnswerFrames {
  /** Why an answer that says {@code length} is shorter than it was allowed to be. */
  private static final String TIME_IS_UP = EventStream.comment("the request's time was up");

  private final AnswerFormat format;
  private final boolean usage;
  private final Function<Object, String> frame;

  /** The choices whose last chunk has been written. */
  private final BitSet closed = new BitSet();

  /**
   * @param usage whether the last chunk tells the usage
   * @param frame writes an object as an event
   */
  AnswerFrames(AnswerFormat format, boolean usage, Function<Object, String> frame) {
    this.format = format;
    this.usage = usage;
    this.frame = frame;
  }

  /** What comes before all events; may be empty. */
  String opening() {
    return all(format.openings());
  }

  /** The frames of one event: none while a token's text is not final. */
  String of(GenerationEvent event) {
    return switch (event) {
      case Prompt prompt -> all(format.chunks(prompt));
      case Token token -> {
        boolean tells = !token.text().isEmpty() || token.logprobs().isPresent();
        yield (tells ? frame.apply(format.chunk(token)) : "")
            + token.end().map(reason -> close(token.choice(), reason)).orElse("");
      }
      case Finished end ->
          ApiException.of(end)
              .map(error -> frame.apply(error.body()) + EventStream.DONE)
              .orElseGet(() -> finish(end));
    };
  }

  private String finish(Finished end) {
    var frames = new StringBuilder();
    if (end.reason() == FinishReason.DEADLINE) {
      frames.append(TIME_IS_UP);
    }
    for (int choice = 0; choice < format.choices(); choice++) {
      if (!closed.get(choice)) {
        frames.append(close(choice, end.reason()));
      }
    }
    if (usage) {
      frames.append(frame.apply(format.usageChunk(end.usage())));
    }
    return frames.append(EventStream.DONE).toString();
  }

  private String close(int choice, FinishReason reason) {
    closed.set(choice);
    return frame.apply(format.closing(choice, reason));
  }

  private String all(List<Object> chunks) {
    var frames = new StringBuilder();
    chunks.forEach(chunk -> frames.append(frame.apply(chunk)));
    return frames.toString();
  }
}
