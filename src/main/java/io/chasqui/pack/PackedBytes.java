package io.chasqui.pack;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.PackHeader.Section;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;
import java.util.function.Function;

/** The bytes of a packed model, wherever they are. */
sealed interface PackedBytes extends Closeable {
  /** The most that {@link #copy} takes. */
  int MAX_COPIED_BYTES = 64 << 20;

  /** What to call them in an error: the file's name. */
  String name();

  /** The file that they are in; empty if they are a copy. */
  Optional<Path> path();

  /** Whether they can be read. */
  boolean isOpen();

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
   * @param memory what it is given back with, if it is not there yet; it outlives {@link #close}
   */
  MemorySegment section(Section section, NativeMemory memory) throws IOException;

  /**
   * Has a section read that is needed once only.
   *
   * @param section of 2 GB at most
   * @param reader must not keep what it is given
   */
  <T> T read(Section section, Function<ByteBuffer, T> reader) throws IOException;

  /** Takes a part of a section. */
  @FunctionalInterface
  interface Sink {
    void accept(ByteBuffer chunk) throws IOException;
  }

  /**
   * Reads a section from its beginning to its end.
   *
   * @param sink must not keep what it is given
   * @throws ModelFormatException if it has no such end any more
   */
  default void readAll(Section section, Sink sink) throws IOException {
    byte[] chunk = new byte[1 << 20];
    for (long done = 0; done < section.length(); ) {
      int length = (int) Math.min(chunk.length, section.length() - done);
      int count = read(ByteBuffer.wrap(chunk, 0, length), section.offset() + done);
      if (count < 0) {
        throw new ModelFormatException(name(), section.name(), "became shorter while it was read");
      }
      sink.accept(ByteBuffer.wrap(chunk, 0, count));
      done += count;
    }
  }

  @Override
  void close() throws IOException;

  /**
   * A file, whose sections are mapped.
   *
   * @throws ModelFormatException if there is no such file, or something else under its name
   */
  static PackedBytes of(Path path) throws IOException {
    try {
      // Opening a pipe would wait until somebody writes to it.
      if (!Files.readAttributes(path, BasicFileAttributes.class).isRegularFile()) {
        String kind = Files.isDirectory(path) ? "a directory" : "a pipe, a socket or a device";
        throw new ModelFormatException(
            nameOf(path),
            "",
            "%s is %s: name a file that `chasqui pack` has made".formatted(path, kind));
      }
      return new Mapped(path, FileChannel.open(path, StandardOpenOption.READ));
    } catch (NoSuchFileException e) {
      throw new ModelFormatException(nameOf(path), "", "there is no such file: " + path);
    }
  }

  static String nameOf(Path path) {
    return String.valueOf(path.getFileName());
  }

  /**
   * What a stream has, copied to native memory: a file in an archive cannot be mapped.
   *
   * @param memory what the copy is given back with
   * @throws IOException if the stream is longer than {@value #MAX_COPIED_BYTES} bytes, too
   */
  static PackedBytes copy(String name, InputStream in, NativeMemory memory) throws IOException {
    // How long a stream is shows at its end; pages that are not written take no memory.
    MemorySegment content = memory.allocate(MAX_COPIED_BYTES);
    byte[] chunk = new byte[1 << 16];
    int length = 0;
    for (int count; (count = in.read(chunk)) >= 0; length += count) {
      if (count > MAX_COPIED_BYTES - length) {
        throw new IOException(name + " is too long to be part of the program");
      }
      MemorySegment.copy(chunk, 0, content, JAVA_BYTE, length, count);
    }
    return new Copied(name, content.asSlice(0, length).asReadOnly());
  }

  /** See {@link #of(Path)}. */
  record Mapped(Path file, FileChannel channel) implements PackedBytes {
    @Override
    public String name() {
      return nameOf(file);
    }

    @Override
    public Optional<Path> path() {
      return Optional.of(file);
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

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
    public <T> T read(Section section, Function<ByteBuffer, T> reader) throws IOException {
      try (Arena arena = Arena.ofConfined()) {
        return reader.apply(
            channel
                .map(MapMode.READ_ONLY, section.offset(), section.length(), arena)
                .asByteBuffer());
      }
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  /** See {@link #copy}. */
  record Copied(String name, MemorySegment content) implements PackedBytes {
    @Override
    public Optional<Path> path() {
      return Optional.empty();
    }

    @Override
    public boolean isOpen() {
      return content.scope().isAlive();
    }

    @Override
    public long size() {
      return content.byteSize();
    }

    @Override
    public int read(ByteBuffer into, long position) {
      int count = (int) Math.min(into.remaining(), content.byteSize() - position);
      if (count > 0) {
        into.put(content.asSlice(position, count).asByteBuffer());
      }
      return count;
    }

    @Override
    public MemorySegment section(Section section, NativeMemory memory) {
      return content.asSlice(section.offset(), section.length());
    }

    @Override
    public <T> T read(Section section, Function<ByteBuffer, T> reader) {
      return reader.apply(content.asSlice(section.offset(), section.length()).asByteBuffer());
    }

    @Override
    public void close() {}
  }
}
