package io.chasqui.http;

import io.chasqui.engine.FinishReason;
import io.chasqui.engine.GenerationEvent;
import io.chasqui.engine.GenerationEvent.Finished;
import io.chasqui.engine.GenerationEvent.Prompt;
import io.chasqui.engine.GenerationEvent.Token;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** From the events of one generation to those of its stream, without those that the client has. */
final class AnswerFrames {
  /** Of an event that belongs to no choice. */
  private static final int NO_CHOICE = -1;

  private final AnswerFormat format;
  private final boolean usage;
  private final StreamPosition begin;
  private final Function<Object, String> json;

  /** Events so far: of no choice, and of each choice. */
  private final int[] events;

  /** The choices whose last chunk has been written. */
  private final BitSet closed = new BitSet();

  /**
   * @param usage whether the last chunk tells the usage
   * @param begin where the client's stream begins
   * @param json writes an object
   */
  AnswerFrames(
      AnswerFormat format, boolean usage, StreamPosition begin, Function<Object, String> json) {
    this.format = format;
    this.usage = usage;
    this.begin = begin;
    this.json = json;
    events = new int[1 + format.choices()];
  }

  /** What comes before all events; may be nothing. */
  Iterator<String> opening() {
    return ofEachChoice(format.openings());
  }

  /**
   * The frames of one event, each written when it is asked for: that of a token is empty while the
   * token's text is not final.
   */
  Iterator<String> of(GenerationEvent event) {
    return switch (event) {
      case Prompt prompt -> ofEachChoice(format.chunks(prompt));
      case Token token -> List.of(of(token)).iterator();
      case Finished end ->
          List.of(ApiException.of(end).map(this::failed).orElseGet(() -> finish(end))).iterator();
    };
  }

  private String of(Token token) {
    boolean tells = !token.text().isEmpty() || token.logprobs().isPresent();
    return (tells ? next(token.choice(), format.chunk(token)) : "")
        + token.end().map(reason -> close(token.choice(), reason)).orElse("");
  }

  /** The end of a stream that is not whole; it can go on from the event before. */
  String failed(ApiException error) {
    return frame(json.apply(error.body())) + frame(EventStream.DONE);
  }

  private String finish(Finished end) {
    var frames = new StringBuilder();
    for (int choice = 0; choice < format.choices(); choice++) {
      if (!closed.get(choice)) {
        frames.append(close(choice, end.reason()));
      }
    }
    if (usage) {
      frames.append(next(NO_CHOICE, format.usageChunk(end.usage())));
    }
    return frames.append(frame(EventStream.DONE)).toString();
  }

  private String close(int choice, FinishReason reason) {
    closed.set(choice);
    return next(choice, format.closing(choice, reason));
  }

  /** Frames of so many chunks for each choice: all of the first choice, then all of the second. */
  private Iterator<String> ofEachChoice(List<Object> chunks) {
    int ofEach = chunks.size() / format.choices();
    return IntStream.range(0, chunks.size())
        .mapToObj(i -> next(i / ofEach, chunks.get(i)))
        .iterator();
  }

  private String next(int choice, Object chunk) {
    int event = ++events[1 + choice];
    return begin.includes(choice, event) ? "" : frame(json.apply(chunk));
  }

  private String frame(String data) {
    return EventStream.frame(begin.id(events), data);
  }
}
