package io.chasqui.benchmark;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Reading and writing whole buffers, which a single call need not do. */
final class Channels {
  private Channels() {}

  static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  /** Fills a buffer from a position of a file, and flips it. */
  static ByteBuffer read(FileChannel channel, long position, ByteBuffer into) throws IOException {
    while (into.hasRemaining()) {
      int count = channel.read(into, position + into.position());
      if (count < 0) {
        throw new EOFException("the file of weights ends too early");
      }
    }
    return into.flip();
  }
}
