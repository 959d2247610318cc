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

  private static final int END_OF_STREAM_AND_HEADERS = 5;
  private static final byte INITIAL_WINDOW_SIZE = 4;
  private static final byte CANCEL = 8;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** The beginning of a connection whose client reads nothing until it says so. */
  public static Http2Frames ofAClientThatReadsNothing() {
    var frames = new Http2Frames();
    frames.bytes.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    return frames.add(SETTINGS, 0, 0, new byte[] {0, INITIAL_WINDOW_SIZE, 0, 0, 0, 0});
  }

  public Http2Frames get(int stream, String path) {
    var headers = new ByteArrayOutputStream();
    header(headers, ":method", "GET");
    header(headers, ":scheme", "http");
    header(headers, ":path", path);
    header(headers, ":authority", "test");
    return add(HEADERS, END_OF_STREAM_AND_HEADERS, stream, headers.toByteArray());
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
    to.write(name.length());
    to.writeBytes(name.getBytes(StandardCharsets.US_ASCII));
    to.write(value.length());
    to.writeBytes(value.getBytes(StandardCharsets.US_ASCII));
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
