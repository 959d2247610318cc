package io.chasqui.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** HTTP/1.1 by hand, byte for byte; it reads no more from the network than it is asked for. */
final class RawConnection implements AutoCloseable {
  private static final int RECEIVE_BUFFER = 64 << 10;
  private static final int PATIENCE_MILLIS = 60_000;

  private final Socket socket = new Socket();
  private final InputStream in;

  /** Status line and headers, names in lower case. */
  record Head(String statusLine, Map<String, String> headers) {}

  RawConnection(URI server) {
    try {
      socket.setReceiveBufferSize(RECEIVE_BUFFER);
      socket.setSoTimeout(PATIENCE_MILLIS);
      socket.connect(new InetSocketAddress(server.getHost(), server.getPort()));
      in = new BufferedInputStream(socket.getInputStream(), 1024);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Sends a request and reads nothing. */
  static RawConnection post(URI server, String path, String body) {
    var connection = new RawConnection(server);
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    String head =
        "POST %s HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
            .formatted(path, bytes.length);
    connection.send(head.getBytes(StandardCharsets.US_ASCII));
    connection.send(bytes);
    return connection;
  }

  void send(byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
      socket.getOutputStream().flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Head readHead() {
    String statusLine = readLine();
    var headers = new TreeMap<String, String>();
    for (String line = readLine(); !line.isEmpty(); line = readLine()) {
      int colon = line.indexOf(": ");
      assertTrue(colon > 0, line);
      headers.put(line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 2));
    }
    return new Head(statusLine, headers);
  }

  /** The next chunk of a chunked body; empty for the one that ends it. */
  String readChunk() {
    int length = Integer.parseInt(readLine(), 16);
    String chunk = readText(length);
    assertEquals("", readLine(), "a chunk must be followed by an end of line");
    return chunk;
  }

  /** The chunks that are left, without the one that ends the body. */
  List<String> readChunks() {
    var chunks = new ArrayList<String>();
    for (String chunk = readChunk(); !chunk.isEmpty(); chunk = readChunk()) {
      chunks.add(chunk);
    }
    return chunks;
  }

  String readText(int length) {
    try {
      byte[] bytes = in.readNBytes(length);
      assertEquals(length, bytes.length, "the connection ended too early");
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String readLine() {
    var line = new ByteArrayOutputStream();
    try {
      for (int b = in.read(); b != '\n'; b = in.read()) {
        if (b < 0) {
          throw new EOFException("the connection ended within a line: " + line);
        }
        line.write(b);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    String text = line.toString(StandardCharsets.US_ASCII);
    assertTrue(text.endsWith("\r"), text);
    return text.substring(0, text.length() - 1);
  }

  /** Leaves without reading what is still there. */
  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
