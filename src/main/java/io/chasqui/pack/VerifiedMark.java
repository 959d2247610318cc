package io.chasqui.pack;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * A note beside a packed file that its digests were right, with the file's size, its time and the
 * digest of its header then. Comparing these takes no longer for a large file; whoever writes to
 * the file changes its time.
 */
final class VerifiedMark {
  /** How the note's name ends; it begins with the packed file's. */
  static final String SUFFIX = ".verified";

  private final Path note;
  private final String state;

  private VerifiedMark(Path note, String state) {
    this.note = note;
    this.state = state;
  }

  /** The mark that a file, as it is now, would have. */
  static VerifiedMark of(Path file) throws IOException {
    ByteBuffer begin = ByteBuffer.allocate(PackHeader.PREFIX_BYTES);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      channel.read(begin, 0);
    }
    return new VerifiedMark(
        noteOf(file),
        "%d %d %s"
            .formatted(
                Files.size(file),
                Files.getLastModifiedTime(file).to(TimeUnit.NANOSECONDS),
                HexFormat.of().formatHex(begin.array())));
  }

  static Path noteOf(Path file) {
    return file.resolveSibling(file.getFileName() + SUFFIX);
  }

  /** Whether the file has it: it is what it was when its digests were right. */
  boolean isThere() {
    try {
      return Files.readString(note).equals(state);
    } catch (IOException e) {
      return false; // there is none, or none that can be read
    }
  }

  void write() throws IOException {
    AtomicFile.write(note, channel -> channel.write(UTF_8.encode(state)));
  }
}
