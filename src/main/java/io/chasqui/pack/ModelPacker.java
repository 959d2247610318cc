package io.chasqui.pack;

import static io.chasqui.kernel.DType.BLOCK_COLUMNS;
import static io.chasqui.kernel.DType.GROUP_ROWS;

import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.kernel.WeightCodec;
import io.chasqui.pack.PackedFileWriter.NewSection;
import io.chasqui.pack.PackedFileWriter.SectionWriter;
import io.chasqui.pack.SafetensorsHeader.Dtype;
import io.chasqui.pack.TensorPlan.Item;
import io.chasqui.pack.TensorPlan.Part;
import io.chasqui.tokenizer.Tokenizer;
import io.chasqui.tokenizer.TokenizerFormat;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Writes packed model files. Memory does not grow with the model: a few groups of 16 rows of one
 * matrix at a time are read, converted and written.
 *
 * <p>The file, all numbers little endian:
 *
 * <ol>
 *   <li>8 bytes: {@code CHASQUI} and a zero
 *   <li>4 bytes: version, 1
 *   <li>4 bytes: length of the header, at most 64 MiB, such that the header ends at a multiple of
 *       4096
 *   <li>32 bytes: SHA-256 of the header
 *   <li>the header: JSON in UTF-8, filled up with spaces
 *   <li>section {@code tokenizer}: {@link TokenizerFormat}
 *   <li>section {@code weights}, at the next multiple of 4096: tensors in the order of the header,
 *       each at the next multiple of 64; matrices as {@link WeightCodec} has them, vectors as
 *       floats. The file ends with the last of them, or with
 *   <li>section {@code prefixes}, if there are any, at the next multiple of 4096: of each prefix,
 *       one after another, for each 16 of its tokens the KV blocks of all layers as {@link
 *       KvLayout} has them. {@link PrefixWriter} adds them.
 * </ol>
 *
 * What lies between is zero. The header is an object of
 *
 * <ul>
 *   <li>{@code name}; {@code quantization}, a {@link DType}
 *   <li>{@code model}: the components of {@link ModelConfig}; {@code config}: the text of {@code
 *       config.json}
 *   <li>{@code settings}: {@code eos_token_ids}, {@code chat_template}, {@code bos_token}, {@code
 *       eos_token}, {@code temperature}, {@code top_k}, {@code top_p}
 *   <li>{@code sections}: {@code name}, {@code offset}, {@code length}, {@code sha256} of each
 *   <li>{@code tensors}: {@code name}, {@code dtype}, {@code shape}, {@code section}, {@code
 *       offset} in it, {@code length} of each
 *   <li>{@code prefixes}, if there are any: {@code tokens}, {@code kv}, which is a {@link
 *       KvLayout.Type}, {@code offset} in their section, {@code length} of each
 * </ul>
 */
public final class ModelPacker {
  /** Floats that are in memory at a time, if a single group does not take more. */
  private static final int BATCH_FLOATS = 1 << 20;

  private final WeightSource source;
  private final PackHeader planned;
  private final byte[] tokenizer;
  private final Progress progress;

  private ModelPacker(
      WeightSource source, PackHeader planned, byte[] tokenizer, Progress progress) {
    this.source = source;
    this.planned = planned;
    this.tokenizer = tokenizer;
    this.progress = progress;
  }

  /**
   * What a model's matrices are best stored as: 4 bits if Jlama has reduced them to that, otherwise
   * 8 bits, which cost no quality that can be measured.
   *
   * @throws UnknownFamilyException if our own decoder does not know the model's family
   * @throws ModelFormatException if its configuration or the weights' headers are malformed
   */
  public static DType defaultQuantization(ModelFiles model) throws IOException {
    ModelConfig config = ModelConfig.read(model);
    try (WeightSource source = WeightSource.open(model)) {
      String query = "model.layers.0.self_attn.q_proj.weight";
      Dtype found =
          source.require(query, List.of((long) config.queryWidth(), (long) config.hidden()));
      return found == Dtype.Q4 ? DType.Q4 : DType.Q8;
    }
  }

  /**
   * Packs a model.
   *
   * @param target appears when it is complete; what is there is replaced
   * @param quantization what matrices are stored as; norms and biases are floats always
   * @throws UnknownFamilyException if our own decoder does not know the model's family
   * @throws ModelFormatException if the model is malformed
   * @throws IllegalArgumentException if the target cannot be a file
   * @throws IOException if reading or writing fails; nothing is left behind then
   */
  public static void pack(ModelFiles model, Path target, DType quantization, Progress progress)
      throws IOException {
    ModelConfig config = ModelConfig.read(model);
    ModelSettings settings = ModelSettings.read(model);
    TensorPlan plan = TensorPlan.of(config);
    try (WeightSource source = WeightSource.open(model)) {
      requireSources(source, plan);
      byte[] tokenizer = tokenizer(model, config);
      var header =
          new PackHeader(
              model.name(),
              quantization,
              config,
              new String(model.require("config.json"), StandardCharsets.UTF_8),
              settings,
              List.of(),
              PackHeader.layOut(plan, item -> item.dtype(quantization)),
              List.of());
      var packer = new ModelPacker(source, header, tokenizer, progress);
      AtomicFile.write(target, packer::write);
    }
  }

  private static void requireSources(WeightSource source, TensorPlan plan) {
    Set<String> leftOver = new TreeSet<>(source.names());
    for (Item item : plan.items()) {
      for (Part part : item.parts()) {
        source.require(part.name(), shape(item, part));
        leftOver.remove(part.name());
      }
    }
    // Other tensors are tables that are computed here, or a second copy of a tied embedding.
    for (String name : leftOver) {
      if (name.endsWith(".bias")) {
        throw new ModelFormatException(
            SafetensorsFiles.SINGLE, name, "config.json says nothing of this bias");
      }
    }
  }

  private static List<Long> shape(Item item, Part part) {
    return item.isVector()
        ? List.of((long) part.rows())
        : List.of((long) part.rows(), (long) item.columns());
  }

  /** The tables of a model's tokenizer as they are packed. */
  static byte[] tokenizer(ModelFiles model, ModelConfig config) {
    Tokenizer tokenizer =
        TokenizerJson.read(model.require("tokenizer.json"), model.read("tokenizer_config.json"));
    PackedModel.requireFits("tokenizer.json", tokenizer, config);
    try {
      return TokenizerFormat.write(tokenizer);
    } catch (IllegalArgumentException e) {
      throw JsonSection.parse("tokenizer.json", model.require("tokenizer.json")).fail(e);
    }
  }

  private void write(FileChannel channel) throws IOException {
    long weightBytes = planned.tensors().getLast().end();
    progress.start("packing " + planned.name(), tokenizer.length + weightBytes, 0);
    try {
      PackedFileWriter.write(
          channel,
          planned,
          List.of(
              new NewSection(PackHeader.TOKENIZER, tokenizer.length, this::writeTokenizer),
              new NewSection(PackHeader.WEIGHTS, weightBytes, this::writeWeights)));
    } finally {
      progress.done();
    }
  }

  private void writeTokenizer(SectionWriter out) throws IOException {
    out.write(ByteBuffer.wrap(tokenizer));
    progress.advance(tokenizer.length);
  }

  private void writeWeights(SectionWriter out) throws IOException {
    for (PackHeader.Tensor tensor : planned.tensors()) {
      out.zeros(tensor.offset() - out.length());
      if (tensor.item().isVector()) {
        writeVector(tensor.item(), out);
      } else {
        for (Part part : tensor.item().parts()) {
          writeMatrix(part, tensor.item(), tensor.dtype(), out);
        }
      }
    }
  }

  private void writeVector(Item item, SectionWriter out) throws IOException {
    boolean fused = item.parts().size() > 1;
    for (Part part : item.parts()) {
      int length = fused ? TensorPlan.groups(part) * GROUP_ROWS : part.rows();
      float[] values = new float[length];
      source.readFloats(part.name(), 0, part.rows(), values);
      for (int i = 0; i < part.rows(); i++) {
        if (!Float.isFinite(values[i])) {
          throw new ModelFormatException(
              SafetensorsFiles.SINGLE,
              part.name(),
              "element %d is %s, not a finite number".formatted(i, values[i]));
        }
      }
      ByteBuffer bytes = ByteBuffer.allocate(length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      bytes.asFloatBuffer().put(values);
      out.write(bytes);
      progress.advance(bytes.capacity());
    }
  }

  /** The most groups of a matrix that are in memory at a time. */
  static int batchGroups(int columns) {
    return Math.max(1, BATCH_FLOATS / (GROUP_ROWS * columns));
  }

  private void writeMatrix(Part part, Item item, DType dtype, SectionWriter out)
      throws IOException {
    int columns = item.columns();
    int groups = TensorPlan.groups(part);
    int batch = Math.min(groups, batchGroups(columns));
    boolean asItIs = isSameQuantization(source.require(part.name(), shape(item, part)), dtype);
    long groupBytes = dtype.groupBytes(columns);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment encoded = arena.allocate(batch * groupBytes);
      var rows = new GroupRows[batch];
      Arrays.setAll(rows, i -> new GroupRows(columns, asItIs));
      for (int group = 0; group < groups; group += batch) {
        int count = Math.min(batch, groups - group);
        for (int i = 0; i < count; i++) {
          rows[i].read(source, part, group + i);
        }
        IntStream.range(0, count)
            .parallel()
            .forEach(i -> rows[i].encode(dtype, encoded.asSlice(i * groupBytes, groupBytes), part));
        out.write(encoded.asSlice(0, count * groupBytes).asByteBuffer());
        progress.advance(count * groupBytes);
      }
    }
  }

  private static boolean isSameQuantization(Dtype from, DType to) {
    return (from == Dtype.Q4 && to == DType.Q4) || (from == Dtype.I8 && to == DType.Q8);
  }

  /** A group of 16 rows: as floats, or as the quants and scales that its source has. */
  private static final class GroupRows {
    private final int columns;
    private final boolean asItIs;
    private final float[] floats;
    private final byte[] quants;
    private final float[] scales;

    GroupRows(int columns, boolean asItIs) {
      this.columns = columns;
      this.asItIs = asItIs;
      int values = GROUP_ROWS * columns;
      floats = new float[asItIs ? 0 : values];
      quants = new byte[asItIs ? values : 0];
      scales = new float[asItIs ? values / BLOCK_COLUMNS : 0];
    }

    void read(WeightSource source, Part part, int group) throws IOException {
      int firstRow = group * GROUP_ROWS;
      int count = Math.min(GROUP_ROWS, part.rows() - firstRow) * columns;
      long from = (long) firstRow * columns;
      if (asItIs) {
        source.readQuants(part.name(), from, count, quants, scales);
        Arrays.fill(quants, count, quants.length, (byte) 0);
        Arrays.fill(scales, count / BLOCK_COLUMNS, scales.length, 0);
      } else {
        source.readFloats(part.name(), from, count, floats);
        Arrays.fill(floats, count, floats.length, 0);
      }
    }

    void encode(DType dtype, MemorySegment group, Part part) {
      try {
        if (asItIs) {
          WeightCodec.encodeQuants(dtype, quants, scales, columns, group);
        } else {
          WeightCodec.encode(dtype, floats, columns, group);
        }
      } catch (IllegalArgumentException e) {
        var failure =
            new ModelFormatException(SafetensorsFiles.SINGLE, part.name(), e.getMessage());
        failure.initCause(e);
        throw failure;
      }
    }
  }
}
