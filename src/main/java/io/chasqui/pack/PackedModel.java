package io.chasqui.pack;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.Matrix;
import io.chasqui.kernel.NativeMemory;
import io.chasqui.pack.PackHeader.Section;
import io.chasqui.pack.PackHeader.Tensor;
import io.chasqui.tokenizer.Tokenizer;
import io.chasqui.tokenizer.TokenizerFormat;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A packed model, mapped read-only from its file, or copied into memory where it comes with the
 * program; {@link ModelPacker} has the format. Thread-safe.
 *
 * <p>What {@link #open} returns is sound in every respect but the digests of the sections, which
 * {@link #verify} computes: reading every byte of the weights is what a quick start must not do.
 */
public final class PackedModel implements AutoCloseable {
  /** How the names of packed files end. */
  public static final String SUFFIX = ".chasqui";

  /** Little enough that closing a model does not wait. */
  private static final long PAGE_IN_BYTES = 1 << 22;

  private final PackedBytes bytes;
  private final PackHeader header;
  private final NativeMemory memory;
  private final MemorySegment weights;
  private final List<PackedPrefix> prefixes;
  private final Tokenizer tokenizer;
  private final Map<String, Tensor> tensors = new HashMap<>();

  private PackedModel(
      PackedBytes bytes,
      PackHeader header,
      NativeMemory memory,
      MemorySegment weights,
      List<PackedPrefix> prefixes,
      Tokenizer tokenizer) {
    this.bytes = bytes;
    this.header = header;
    this.memory = memory;
    this.weights = weights;
    this.prefixes = prefixes;
    this.tokenizer = tokenizer;
    header.tensors().forEach(tensor -> tensors.put(tensor.item().name(), tensor));
  }

  /**
   * Checks a file's header, all of it, and then maps the file. It stays open, so that another file
   * under its name changes nothing.
   *
   * @throws ModelFormatException if the file cannot be read, is no packed model, or breaks a rule
   */
  public static PackedModel open(Path path) {
    try {
      PackedBytes bytes = PackedBytes.of(path);
      try {
        return open(bytes, readHeader(bytes));
      } catch (IOException | RuntimeException e) {
        bytes.close();
        throw e;
      }
    } catch (IOException e) {
      throw unreadable(PackedBytes.nameOf(path), e);
    }
  }

  /**
   * As {@link #open(Path)}, of a copy in memory.
   *
   * @param name what to call it in an error
   */
  static PackedModel copy(String name, InputStream in) throws IOException {
    var memory = new NativeMemory();
    try {
      PackedBytes bytes = PackedBytes.copy(name, in, memory);
      return open(bytes, readHeader(bytes), memory);
    } catch (IOException | RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  /**
   * Checks a file as {@link #open} does, and besides it the digest of each section and that the
   * tokenizer's tables belong to its vocabulary. Reads the whole file, and runs the patterns that
   * the model brings.
   *
   * @throws ModelFormatException if something is wrong, with the section where it is
   */
  public static void verify(Path path, Progress progress) {
    try (PackedBytes bytes = PackedBytes.of(path)) {
      verify(bytes, progress);
    } catch (IOException e) {
      throw unreadable(PackedBytes.nameOf(path), e);
    }
  }

  private static void verify(PackedBytes bytes, Progress progress) throws IOException {
    PackHeader header = readHeader(bytes);
    progress.start(
        "verifying " + bytes.name(), bytes.size(), header.sections().getFirst().offset());
    try {
      for (Section section : header.sections()) {
        verifyDigest(bytes, section, progress);
      }
    } finally {
      progress.done();
    }
    try (PackedModel model = open(bytes, header)) {
      TokenizerFormat.check(model.tokenizer());
    } catch (IllegalArgumentException e) {
      throw malformed(bytes.name(), header.section(PackHeader.TOKENIZER), e);
    }
  }

  static PackHeader readHeader(PackedBytes bytes) throws IOException {
    String file = bytes.name();
    long fileLength = bytes.size();
    if (fileLength < PackHeader.PREFIX_BYTES) {
      throw new ModelFormatException(
          file, "", "has %d bytes, too few for a packed model".formatted(fileLength));
    }
    ByteBuffer prefix = read(bytes, 0, PackHeader.PREFIX_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    if (prefix.getLong() != PackHeader.MAGIC) {
      throw new ModelFormatException(
          file, "", 0, "is not a packed model: make one with `chasqui pack`");
    }
    int version = prefix.getInt();
    if (version != PackHeader.VERSION) {
      throw new ModelFormatException(
          file,
          "version",
          8,
          "has the version %d, but this program reads %d: pack the model again"
              .formatted(version, PackHeader.VERSION));
    }
    int length = prefix.getInt();
    long end = (long) PackHeader.PREFIX_BYTES + length;
    if (length < 2
        || length > PackHeader.MAX_JSON_BYTES
        || end > fileLength
        || end % PackHeader.SECTION_ALIGNMENT != 0) {
      throw new ModelFormatException(
          file,
          "header",
          12,
          "its length cannot be %d in a file of %d bytes"
              .formatted(Integer.toUnsignedLong(length), fileLength));
    }
    byte[] digest = new byte[32];
    prefix.get(digest);
    byte[] json = read(bytes, PackHeader.PREFIX_BYTES, length).array();
    if (!MessageDigest.isEqual(digest, Sha256.of(json))) {
      throw new ModelFormatException(
          file, "header", "its SHA-256 is another one: the file is damaged, copy it again");
    }
    return PackHeader.parse(file, json, end, fileLength);
  }

  private static ByteBuffer read(PackedBytes bytes, long position, int length) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    while (buffer.hasRemaining()) {
      if (bytes.read(buffer, position + buffer.position()) < 0) {
        throw new ModelFormatException(bytes.name(), "", "became shorter while it was read");
      }
    }
    return buffer.flip();
  }

  private static PackedModel open(PackedBytes bytes, PackHeader header) throws IOException {
    var memory = new NativeMemory();
    try {
      return open(bytes, header, memory);
    } catch (IOException | RuntimeException e) {
      memory.close();
      throw e;
    }
  }

  /** Memory becomes the model's to close, if this returns. */
  private static PackedModel open(PackedBytes bytes, PackHeader header, NativeMemory memory)
      throws IOException {
    MemorySegment weights = bytes.section(header.section(PackHeader.WEIGHTS), memory);
    return new PackedModel(
        bytes,
        header,
        memory,
        weights,
        prefixes(bytes, header, memory),
        readTokenizer(bytes, header));
  }

  private static List<PackedPrefix> prefixes(
      PackedBytes bytes, PackHeader header, NativeMemory memory) throws IOException {
    if (header.prefixes().isEmpty()) {
      return List.of();
    }
    MemorySegment section = bytes.section(header.section(PackHeader.PREFIXES), memory);
    return header.prefixes().stream()
        .map(prefix ->
            new PackedPrefix(
                prefix.tokens(), prefix.type(), section.asSlice(prefix.offset(), prefix.length())))
        .toList();
  }

  private static Tokenizer readTokenizer(PackedBytes bytes, PackHeader header) throws IOException {
    Section section = header.section(PackHeader.TOKENIZER);
    if (section.length() > Integer.MAX_VALUE) {
      throw new ModelFormatException(
          bytes.name(), section.name(), section.offset(), "has more than 2 GB");
    }
    try {
      Tokenizer tokenizer = bytes.read(section, TokenizerFormat::read);
      requireFits(bytes.name(), tokenizer, header.config());
      return tokenizer;
    } catch (IllegalArgumentException e) {
      throw malformed(bytes.name(), section, e);
    }
  }

  /** An id that the embedding has no row for must not come from the tokenizer. */
  static void requireFits(String file, Tokenizer tokenizer, ModelConfig config) {
    if (tokenizer.vocabularySize() > config.vocabulary()) {
      throw new ModelFormatException(
          file,
          "vocabulary",
          "the tokenizer has ids below %d, but the model only %d of them"
              .formatted(tokenizer.vocabularySize(), config.vocabulary()));
    }
  }

  private static void verifyDigest(PackedBytes bytes, Section section, Progress progress)
      throws IOException {
    MessageDigest digest = Sha256.digest();
    bytes.readAll(
        section,
        chunk -> {
          progress.advance(chunk.remaining());
          digest.update(chunk);
        });
    requireDigest(bytes.name(), section, HexFormat.of().formatHex(digest.digest()));
  }

  /** Compares the digest of a section's bytes with that of the header. */
  static void requireDigest(String file, Section section, String sha256) {
    if (!section.sha256().equals(sha256)) {
      throw new ModelFormatException(
          file,
          section.name(),
          section.offset(),
          "the SHA-256 of this section is another one: the file is damaged, copy it again");
    }
  }

  private static ModelFormatException malformed(
      String file, Section section, IllegalArgumentException cause) {
    var failure =
        new ModelFormatException(file, section.name(), section.offset(), cause.getMessage());
    failure.initCause(cause);
    return failure;
  }

  private static ModelFormatException unreadable(String file, IOException cause) {
    var failure = new ModelFormatException(file, "", "cannot be read: " + cause.getMessage());
    failure.initCause(cause);
    return failure;
  }

  /**
   * Compares the digest of each section with the one that the header has. Reads all of the file.
   * Returns, too, when the model is closed.
   *
   * @param progress told after each part that is read
   * @throws ModelFormatException if a section is damaged, or the file cannot be read
   */
  public void verifyDigests(Progress progress) {
    try {
      for (Section section : header.sections()) {
        verifyDigest(bytes, section, progress);
      }
    } catch (ClosedChannelException e) {
      // It was closed: nobody will read it.
    } catch (IOException e) {
      throw unreadable(bytes.name(), e);
    }
  }

  /**
   * Throws if its file {@link #hasShrunk}. Takes a microsecond.
   *
   * @throws ModelFormatException naming the file
   */
  public void requireWhole() {
    if (hasShrunk()) {
      throw new ModelFormatException(
          bytes.name(),
          "",
          "became shorter while it was served, or cannot be reached any more: replace a file by moving another one to its name, and do not write to it");
    }
  }

  /**
   * Whether a part of its file, which is mapped, is not there any more: it has become shorter, or
   * its disk is gone. The system ends a process that reads such a part. False when the model is
   * closed.
   */
  public boolean hasShrunk() {
    try {
      return bytes.size() < header.sections().getLast().end();
    } catch (ClosedChannelException e) {
      return false;
    } catch (IOException e) {
      return true; // nobody can tell its length, which only a disk that is gone explains
    }
  }

  /** Whether it was not closed. */
  public boolean isOpen() {
    return bytes.isOpen();
  }

  /** The file that it is mapped from; empty if it came with the program. */
  public Optional<Path> file() {
    return bytes.path();
  }

  /** The model's name, as it had it when it was packed. */
  public String name() {
    return header.name();
  }

  /** What its matrices were asked to be stored as. */
  public DType quantization() {
    return header.quantization();
  }

  /** The shape of the decoder. */
  public ModelConfig config() {
    return header.config();
  }

  /** The text of the {@code config.json} that {@link #config} was read from. */
  public String configJson() {
    return header.configJson();
  }

  /** Chat template, tokens that end a turn, recommended sampling. */
  public ModelSettings settings() {
    return header.settings();
  }

  /** The tokenizer. */
  public Tokenizer tokenizer() {
    return tokenizer;
  }

  /** What many of its prompts begin with; mapped or copied, not to be used after {@link #close}. */
  public List<PackedPrefix> prefixes() {
    return prefixes;
  }

  /** Bytes of the weights, which is what generating a token reads. */
  public long weightBytes() {
    return weights.byteSize();
  }

  /** What its file holds. */
  public PackedSizes sizes() {
    long prefixBytes = prefixes.stream().mapToLong(prefix -> prefix.blocks().byteSize()).sum();
    return new PackedSizes(
        config(),
        quantization(),
        weightBytes(),
        header.section(PackHeader.TOKENIZER).length(),
        prefixBytes);
  }

  /** SHA-256 of the weights in hexadecimal, as the header says it: what tells models apart. */
  public String weightsDigest() {
    return header.section(PackHeader.WEIGHTS).sha256();
  }

  /** Numbers that the model has learned, those of biases and norms included. */
  public long parameters() {
    return header.tensors().stream().mapToLong(tensor -> tensor.item().parameters()).sum();
  }

  /**
   * A matrix, where it is mapped or copied; not to be used after {@link #close}.
   *
   * @param name as Hugging Face has it; queries, keys and values of layer N are {@code
   *     model.layers.N.self_attn.qkv_proj.weight}, each with its rows padded to a multiple of 16
   * @throws IllegalArgumentException if there is no such matrix
   */
  public Matrix matrix(String name) {
    Tensor tensor = tensor(name, false);
    return new Matrix(
        tensor.dtype(), tensor.item().rows(), tensor.item().columns(), segment(tensor));
  }

  /**
   * A vector of floats, little endian, at a multiple of 64 bytes; not to be used after {@link
   * #close}.
   *
   * @throws IllegalArgumentException if there is no such vector
   */
  public MemorySegment vector(String name) {
    return segment(tensor(name, true));
  }

  private Tensor tensor(String name, boolean vector) {
    Tensor tensor = tensors.get(name);
    if (tensor == null || tensor.item().isVector() != vector) {
      throw new IllegalArgumentException(
          "the model has no %s %s".formatted(vector ? "vector" : "matrix", name));
    }
    return tensor;
  }

  private MemorySegment segment(Tensor tensor) {
    return weights.asSlice(tensor.offset(), tensor.length());
  }

  /**
   * Brings the weights into memory, in the order in which a token reads them, so that the first
   * token does not wait for each of their pages. Returns when all are there, or when the model is
   * closed.
   */
  public void pageIn() {
    if (!weights.isMapped()) {
      return;
    }
    try {
      for (long from = 0; from < weights.byteSize(); from += PAGE_IN_BYTES) {
        weights.asSlice(from, Math.min(PAGE_IN_BYTES, weights.byteSize() - from)).load();
      }
    } catch (IllegalStateException e) {
      // It was closed: nobody will read them.
    } catch (InternalError e) {
      // A page is not there: requireWhole tells it to whoever computes.
    }
  }

  /**
   * Gives the memory back. Whoever reads a tensor afterwards gets an {@link IllegalStateException}.
   */
  @Override
  public void close() {
    memory.close();
    try {
      bytes.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
