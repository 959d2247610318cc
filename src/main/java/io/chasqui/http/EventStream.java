package io.chasqui.http;

import io.smallrye.mutiny.Multi;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;

/**
 * The body of a streamed answer, written by {@link PacedWriter}.
 *
 * @param frames server-sent events, any number of them in each item, which become text one after
 *     another where they are written: the engine's thread, on which they may come, has no time for
 *     JSON
 */
record EventStream(Multi<Iterable<String>> frames) implements PacedBody {
  /** The data of the last event, which tells OpenAI's clients that the stream has ended. */
  static final String DONE = "[DONE]";

  /** A comment, which clients skip: it keeps idle proxies from closing the connection. */
  static final String KEEP_ALIVE = comment("keep-alive");

  @Override
  public Multi<Iterable<byte[]>> pieces() {
    return frames.map(EventStream::bytes);
  }

  private static Iterable<byte[]> bytes(Iterable<String> texts) {
    return () ->
        new Iterator<>() {
          private final Iterator<String> left = texts.iterator();

          @Override
          public boolean hasNext() {
            return left.hasNext();
          }

          @Override
          public byte[] next() {
            return left.next().getBytes(StandardCharsets.UTF_8);
          }
        };
  }

  /** A line that clients skip. */
  static String comment(String text) {
    return ": " + text + "\n\n";
  }

  /** One event that a stream can go on from. */
  static String frame(String id, String data) {
    return "id: " + id + "\n" + frame(data);
  }

  /** One event; many clients need the space after the colon. */
  static String frame(String data) {
    return "data: " + data + "\n\n";
  }
}
