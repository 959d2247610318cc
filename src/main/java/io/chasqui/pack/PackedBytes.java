package io.chasqui.pack;

import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.PackHeader.Section;
import java.io.Closeable;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The bytes of a packed model, wherever they are. */
sealed interface PackedBytes extends Closeable {
  /** What to call them in an error: the file's name. */
  String name();

  long size() throws IOException;

  /**
   * Copies bytes into a buffer's remaining space.
   *
   * @return how many; negative at the end
   */
  int read(ByteBuffer into, long position) throws IOException;

  /**
   * A section in native memory, at a multiple of a cache line at least.
   *
   * @param memory what it is given back with; it outlives {@link #close}
   */
  MemorySegment section(Section section, NativeMemory memory) throws IOException;

  /** A section to be read from its start to its end, of 2 GB at most. */
  ByteBuffer buffer(Section section) throws IOException;

  @Override
  void close() throws IOException;

  /**
   * A file, whose sections are mapped.
   *
   * @throws ModelFormatException if there is no such file
   */
  static PackedBytes of(Path path) throws IOException {
    try {
      return new Mapped(nameOf(path), FileChannel.open(path, StandardOpenOption.READ));
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(nameOf(path), "", "there is no such file: " + path);
    }
  }

  static String nameOf(Path path) {
    return String.valueOf(path.getFileName());
  }

  /** Bytes on the heap, of which sections are copies: a file in an archive cannot be mapped. */
  static PackedBytes of(String name, byte[] content) {
    return new Copied(name, content);
  }

  /** See {@link #of(Path)}. */
  record Mapped(String name, FileChannel channel) implements PackedBytes {
    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public int read(ByteBuffer into, long position) throws IOException {
      return channel.read(into, position);
    }

    @Override
    public MemorySegment section(Section section, NativeMemory memory) throws IOException {
      return memory.map(channel, section.offset(), section.length());
    }

    @Override
    public ByteBuffer buffer(Section section) throws IOException {
      return channel.map(MapMode.READ_ONLY, section.offset(), section.length());
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /** See {@link #of(String, byte[])}. */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  record Copied(String name, byte[] content) implements PackedBytes {
    @Override
    public long size() {
      return content.length;
    }

    @Override
    public int read(ByteBuffer into, long position) {
      int count = (int) Math.min(into.remaining(), content.length - position);
      if (count > 0) {
        into.put(content, (int) position, count);
      }
      return count;
    }

    @Override
    public MemorySegment section(Section section, NativeMemory memory) {
      MemorySegment copy = memory.allocate(section.length());
      MemorySegment.copy(
          MemorySegment.ofArray(content), section.offset(), copy, 0, section.length());
      return copy.asReadOnly();
    }

    @Override
    public ByteBuffer buffer(Section section) {
      return ByteBuffer.wrap(content, (int) section.offset(), (int) section.length());
    }

    @Override
    public void close() {}
  }
}
