package io.chasqui.http;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** HTTP/2 by hand, as bytes that a client sends. */
public final class Http2Frames {
  private static final int HEADERS = 1;
  private static final int RESET = 3;
  private static final int SETTINGS = 4;
  private static final int GO_AWAY = 7;

  private static final int END_OF_STREAM = 1;
  private static final int END_OF_HEADERS = 4;
  private static final short HEADER_TABLE_SIZE = 1;
  private static final short INITIAL_WINDOW_SIZE = 4;
  private static final byte CANCEL = 8;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Frames of a connection that has begun. */
  public Http2Frames() {}

  /** The beginning of a connection whose client reads nothing until it says so. */
  public static Http2Frames ofAClientThatReadsNothing() {
    return beginning(INITIAL_WINDOW_SIZE, 0);
  }

  /**
   * The beginning of a connection whose client would remember all headers that it ever got, so that
   * they are sent to it once.
   */
  public static Http2Frames ofAClientThatRemembersAll() {
    return beginning(HEADER_TABLE_SIZE, Integer.MAX_VALUE);
  }

  private static Http2Frames beginning(short setting, int value) {
    var frames = new Http2Frames();
    frames.bytes.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    return frames.add(
        SETTINGS, 0, 0, ByteBuffer.allocate(6).putShort(setting).putInt(value).array());
  }

  /** A question for methods, whose answer has no body, with a further field of the head. */
  public Http2Frames options(int stream, String path, String name, String value) {
    return whole(stream, head("OPTIONS", path), name, value);
  }

  public Http2Frames get(int stream, String path) {
    return add(HEADERS, END_OF_HEADERS | END_OF_STREAM, stream, head("GET", path).toByteArray());
  }

  /** A GET with a further field of the head. */
  public Http2Frames get(int stream, String path, String name, String value) {
    return whole(stream, head("GET", path), name, value);
  }

  /** A request without a body. */
  private Http2Frames whole(int stream, ByteArrayOutputStream head, String name, String value) {
    header(head, name, value);
    return add(HEADERS, END_OF_HEADERS | END_OF_STREAM, stream, head.toByteArray());
  }

  /** A POST whose body does not come, with a further field of the head. */
  public Http2Frames beginPost(int stream, String path, String name, String value) {
    ByteArrayOutputStream head = head("POST", path);
    header(head, "content-type", "application/json");
    header(head, "content-length", "9");
    header(head, name, value);
    return add(HEADERS, END_OF_HEADERS, stream, head.toByteArray());
  }

  private static ByteArrayOutputStream head(String method, String path) {
    var head = new ByteArrayOutputStream();
    header(head, ":method", method);
    header(head, ":scheme", "http");
    header(head, ":path", path);
    header(head, ":authority", "test");
    return head;
  }

  public Http2Frames reset(int stream) {
    return add(RESET, 0, stream, new byte[] {0, 0, 0, CANCEL});
  }

  public Http2Frames goAway() {
    return add(GO_AWAY, 0, 0, new byte[8]);
  }

  public byte[] toBytes() {
    return bytes.toByteArray();
  }

  /** A literal field of HPACK, not indexed and not compressed. */
  private static void header(ByteArrayOutputStream to, String name, String value) {
    to.write(0);
    text(to, name);
    text(to, value);
  }

  private static void text(ByteArrayOutputStream to, String text) {
    int left = text.length();
    to.write(Math.min(left, 127));
    if (left >= 127) {
      left -= 127;
      while (left >= 128) {
        to.write(left % 128 + 128);
        left /= 128;
      }
      to.write(left);
    }
    to.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
  }

  private Http2Frames add(int type, int flags, int stream, byte[] payload) {
    bytes.writeBytes(
        ByteBuffer.allocate(9)
            .put((byte) 0)
            .putShort((short) payload.length)
            .put((byte) type)
            .put((byte) flags)
            .putInt(stream)
            .array());
    bytes.writeBytes(payload);
    return this;
  }
}
