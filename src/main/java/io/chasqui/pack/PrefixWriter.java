package io.chasqui.pack;

import io.chasqui.pack.PackHeader.Section;
import io.chasqui.pack.PackedFileWriter.Contents;
import io.chasqui.pack.PackedFileWriter.NewSection;
import io.chasqui.pack.PackedFileWriter.SectionWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Writes packed models anew, with prefixes. */
public final class PrefixWriter {
  /** Bytes that are written at a time. */
  private static final long CHUNK_BYTES = 1 << 20;

  private final PackedBytes source;
  private final PackHeader header;
  private final List<PackedPrefix> prefixes;
  private final Progress progress;

  private PrefixWriter(
      PackedBytes source, PackHeader header, List<PackedPrefix> prefixes, Progress progress) {
    this.source = source;
    this.header = header;
    this.prefixes = prefixes;
    this.progress = progress;
  }

  /**
   * Copies a packed model and gives the copy prefixes; those that the model had are left out.
   *
   * @param prefixes computed by this model
   * @param target appears when it is complete; what is there is replaced, also if it is the model
   * @throws ModelFormatException if the model cannot be used, or a byte of it is damaged
   * @throws IllegalArgumentException if the target cannot be a file
   * @throws IOException if reading or writing fails; nothing is left behind then
   */
  public static void write(Path packed, List<PackedPrefix> prefixes, Path target, Progress progress)
      throws IOException {
    try (PackedBytes source = PackedBytes.of(packed)) {
      var writer =
          new PrefixWriter(source, PackedModel.readHeader(source), List.copyOf(prefixes), progress);
      AtomicFile.write(target, writer::write);
    }
  }

  private void write(FileChannel channel) throws IOException {
    var sections = new ArrayList<NewSection>();
    for (String name : List.of(PackHeader.TOKENIZER, PackHeader.WEIGHTS)) {
      Section section = header.section(name);
      sections.add(new NewSection(name, section.length(), out -> copy(section, out)));
    }
    if (!prefixes.isEmpty()) {
      long bytes = prefixes.stream().mapToLong(prefix -> prefix.blocks().byteSize()).sum();
      sections.add(new NewSection(PackHeader.PREFIXES, bytes, contents()));
    }
    progress.start(
        "packing " + header.name(), sections.stream().mapToLong(NewSection::length).sum(), 0);
    try {
      PackHeader written = PackedFileWriter.write(channel, header.withPrefixes(prefixes), sections);
      for (String name : List.of(PackHeader.TOKENIZER, PackHeader.WEIGHTS)) {
        // The copy would vouch for what its source does not.
        PackedModel.requireDigest(
            source.name(), header.section(name), written.section(name).sha256());
      }
    } finally {
      progress.done();
    }
  }

  private void copy(Section section, SectionWriter out) throws IOException {
    source.readAll(
        section,
        chunk -> {
          progress.advance(chunk.remaining());
          out.write(chunk);
        });
  }

  private Contents contents() {
    return out -> {
      for (PackedPrefix prefix : prefixes) {
        MemorySegment blocks = prefix.blocks();
        for (long from = 0; from < blocks.byteSize(); from += CHUNK_BYTES) {
          long length = Math.min(CHUNK_BYTES, blocks.byteSize() - from);
          out.write(blocks.asSlice(from, length).asByteBuffer());
          progress.advance(length);
        }
      }
    };
  }
}
