package io.chasqui.http;

import io.smallrye.mutiny.Multi;

/**
 * The body of a streamed answer, written by {@link EventStreamWriter}.
 *
 * @param frames finished server-sent events, any number of them in each item
 */
record EventStream(Multi<String> frames) {
  /** What tells OpenAI's clients that the stream is whole. */
  static final String DONE = frame("[DONE]");

  /** A comment, which clients skip: it keeps idle proxies from closing the connection. */
  static final String KEEP_ALIVE = comment("keep-alive");

  /** A line that clients skip. */
  static String comment(String text) {
    return ": " + text + "\n\n";
  }

  /** One event; many clients need the space after the colon. */
  static String frame(String data) {
    return "data: " + data + "\n\n";
  }
}
