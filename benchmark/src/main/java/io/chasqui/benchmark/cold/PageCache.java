package io.chasqui.benchmark.cold;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/** Whether the kernel has files in memory before a process that reads them is started. */
enum PageCache {
  /** All of them are. */
  WARM {
    @Override
    void prepareFile(Path file) throws IOException {
      try (InputStream in = Files.newInputStream(file)) {
        in.transferTo(OutputStream.nullOutputStream());
      }
    }
  },

  /** None is. Needs Linux, and no other rights than to read and to own the files. */
  DROPPED {
    @Override
    void prepareFile(Path file) throws IOException {
      drop(file);
      long pages = pages(file);
      if (pages > 0) {
        throw new IOException(
            "%d pages of %s stay in memory: end what has it mapped (fuser %s)"
                .formatted(pages, file, file));
      }
    }
  };

  /** The smallest page that Linux has; where pages are larger, there are fewer of them. */
  private static final int PAGE = 4096;

  private static final int POSIX_FADV_DONTNEED = 4;

  /**
   * Brings the page cache into this state.
   *
   * @param roots files, and directories with all that they hold
   * @throws IOException if that fails, or if a file to be dropped is still in memory
   */
  void prepare(List<Path> roots) throws IOException {
    for (Path root : roots) {
      List<Path> files;
      try (Stream<Path> tree = Files.walk(root)) {
        files = tree.filter(Files::isRegularFile).toList();
      }
      for (Path file : files) {
        prepareFile(file);
      }
    }
  }

  abstract void prepareFile(Path file) throws IOException;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }

  private static void drop(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      channel.force(false); // what has yet to be written cannot be dropped
    }
    try (Arena arena = Arena.ofConfined()) {
      int descriptor = call(Libc.OPEN, arena.allocateFrom(file.toString()), 0);
      if (descriptor < 0) {
        throw new IOException("cannot open " + file);
      }
      try {
        int error = call(Libc.POSIX_FADVISE, descriptor, 0L, 0L, POSIX_FADV_DONTNEED);
        if (error != 0) {
          throw new IOException("posix_fadvise of %s: error %d".formatted(file, error));
        }
      } finally {
        call(Libc.CLOSE, descriptor);
      }
    }
  }

  /** How many pages of a file are in memory. */
  static long pages(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file);
        Arena arena = Arena.ofConfined()) {
      if (channel.size() == 0) {
        return 0;
      }
      MemorySegment mapped = channel.map(MapMode.READ_ONLY, 0, channel.size(), arena);
      MemorySegment states = arena.allocate((channel.size() + PAGE - 1) / PAGE);
      if (call(Libc.MINCORE, mapped, mapped.byteSize(), states) != 0) {
        throw new IOException("mincore of %s has failed".formatted(file));
      }
      return states.elements(JAVA_BYTE).filter(state -> (state.get(JAVA_BYTE, 0) & 1) != 0).count();
    }
  }

  private static int call(MethodHandle function, Object... arguments) {
    try {
      return (int) function.invokeWithArguments(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("a function of C throws nothing", e);
    }
  }

  /** The functions of C, bound when one is needed: macOS has no {@code posix_fadvise}. */
  private static final class Libc {
    static final MethodHandle OPEN =
        function(
            "open",
            FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT),
            Linker.Option.firstVariadicArg(2));
    static final MethodHandle CLOSE = function("close", FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    static final MethodHandle POSIX_FADVISE =
        function(
            "posix_fadvise",
            FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT));
    static final MethodHandle MINCORE =
        function("mincore", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS));

    private Libc() {}

    private static MethodHandle function(
        String name, FunctionDescriptor type, Linker.Option... options) {
      Linker linker = Linker.nativeLinker();
      return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), type, options);
    }
  }
}
