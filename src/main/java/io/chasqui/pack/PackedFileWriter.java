package io.chasqui.pack;

import io.chasqui.pack.PackHeader.Section;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/** Writes a packed file: its sections in their order, and then the header that tells of them. */
final class PackedFileWriter {
  private static final String NO_DIGEST = "0".repeat(64);

  private PackedFileWriter() {}

  /** Writes the bytes of a section. */
  @FunctionalInterface
  interface Contents {
    void write(SectionWriter out) throws IOException;
  }

  /**
   * A section that is to be written.
   *
   * @param length that its contents will have
   */
  record NewSection(String name, long length, Contents contents) {}

  /**
   * Writes a file.
   *
   * @param planned the header but for its sections
   * @return the header as it was written
   * @throws ModelFormatException if the header would be too long
   */
  static PackHeader write(FileChannel channel, PackHeader planned, List<NewSection> contents)
      throws IOException {
    // Digests are of one length and offsets only become shorter, so the header's place is known.
    List<Section> longest =
        contents.stream()
            .map(
                section -> new Section(section.name(), Long.MAX_VALUE, section.length(), NO_DIGEST))
            .toList();
    long headerLength = planned.withSections(longest).toJson().length;
    if (headerLength > PackHeader.MAX_JSON_BYTES - PackHeader.SECTION_ALIGNMENT) {
      throw new ModelFormatException(planned.name(), "", "the header would exceed 64 MiB");
    }
    var sections = new ArrayList<Section>();
    long end = PackHeader.PREFIX_BYTES + headerLength;
    for (NewSection section : contents) {
      long offset = PackHeader.align(end, PackHeader.SECTION_ALIGNMENT);
      var out = new SectionWriter(channel, offset);
      section.contents().write(out);
      sections.add(new Section(section.name(), offset, section.length(), out.sha256()));
      end = offset + section.length();
    }
    PackHeader header = planned.withSections(sections);
    // Last, so that a file without an end has no beginning either.
    writeFully(channel, 0, prefixed(header.toJson(), (int) sections.getFirst().offset()));
    return header;
  }

  /** The beginning of the file up to its first section. */
  static ByteBuffer prefixed(byte[] json, int length) {
    byte[] header = Arrays.copyOf(json, length - PackHeader.PREFIX_BYTES);
    Arrays.fill(header, json.length, header.length, (byte) ' ');
    return ByteBuffer.allocate(length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(PackHeader.MAGIC)
        .putInt(PackHeader.VERSION)
        .putInt(header.length)
        .put(Sha256.of(header))
        .put(header)
        .flip();
  }

  /** Writes a section from its beginning to its end, and digests it on the way. */
  static final class SectionWriter {
    private final FileChannel channel;
    private final long offset;
    private final MessageDigest digest = Sha256.digest();
    private long length;

    private SectionWriter(FileChannel channel, long offset) {
      this.channel = channel;
      this.offset = offset;
    }

    /** Bytes written so far. */
    long length() {
      return length;
    }

    void zeros(long count) throws IOException {
      write(ByteBuffer.allocate((int) count));
    }

    void write(ByteBuffer bytes) throws IOException {
      digest.update(bytes.duplicate());
      length += writeFully(channel, offset + length, bytes);
    }

    private String sha256() {
      return HexFormat.of().formatHex(digest.digest());
    }
  }

  private static long writeFully(FileChannel channel, long position, ByteBuffer bytes)
      throws IOException {
    int length = bytes.remaining();
    int begin = bytes.position();
    while (bytes.hasRemaining()) {
      channel.write(bytes, position + bytes.position() - begin);
    }
    return length;
  }
}
