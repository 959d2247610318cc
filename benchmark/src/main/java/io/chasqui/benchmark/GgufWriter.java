package io.chasqui.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.pack.ModelConfig;
import io.chasqui.pack.ModelConfig.Architecture;
import io.chasqui.pack.ModelConfig.RopeScaling;
import io.chasqui.pack.ModelLocation;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/**
 * Converts a Llama from Hugging Face's layout (BF16, one file of safetensors) to GGUF, for
 * llama.cpp to measure: matrices stay BF16, vectors become F32. The format is that of ggml's {@code
 * docs/gguf.md}, version 3.
 *
 * <p>The tokens are written, but a text may be split otherwise than by the model's own tokenizer:
 * measurements give token ids.
 */
@Command(
    name = "GgufWriter",
    description = "Converts a Llama from safetensors to GGUF.",
    mixinStandardHelpOptions = true)
final class GgufWriter implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;
  private static final int MOSTLY_BF16 = 32;
  private static final int NORMAL_TOKEN = 1;
  private static final int CONTROL_TOKEN = 3;
  private static final Pattern OF_LAYER = Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)");

  private static final Map<String, String> NAMES =
      Map.of(
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight",
          "lm_head.weight", "output.weight");

  private static final Map<String, String> NAMES_IN_LAYERS =
      Map.of(
          "input_layernorm.weight", "attn_norm.weight",
          "self_attn.q_proj.weight", "attn_q.weight",
          "self_attn.k_proj.weight", "attn_k.weight",
          "self_attn.v_proj.weight", "attn_v.weight",
          "self_attn.o_proj.weight", "attn_output.weight",
          "post_attention_layernorm.weight", "ffn_norm.weight",
          "mlp.gate_proj.weight", "ffn_gate.weight",
          "mlp.up_proj.weight", "ffn_up.weight",
          "mlp.down_proj.weight", "ffn_down.weight");

  /** GGUF's numbers for types of values. */
  private enum ValueType {
    UINT32(4),
    INT32(5),
    FLOAT32(6),
    STRING(8),
    ARRAY(9);

    final int code;

    ValueType(int code) {
      this.code = code;
    }
  }

  /** ggml's numbers for types of tensors. */
  private enum TensorType {
    F32(0),
    BF16(30);

    final int code;

    TensorType(int code) {
      this.code = code;
    }
  }

  /**
   * A tensor of the file that is read.
   *
   * @param shape {@code [rows, columns]}, or {@code [length]}
   * @param offset in the file
   */
  private record Source(String name, List<Long> shape, long offset, long length) {
    boolean isVector() {
      return shape.size() == 1;
    }
  }

  /** A tensor of the file that is written. */
  private record Target(String name, List<Long> shape, TensorType type, Contents contents) {
    long length() {
      long count = shape.stream().reduce(1L, Math::multiplyExact);
      return count * (type == TensorType.F32 ? Float.BYTES : Short.BYTES);
    }
  }

  /** Makes a tensor's bytes when it is their turn, so that a model need not fit in memory. */
  private interface Contents {
    ByteBuffer read() throws IOException;
  }

  @Parameters(index = "0", paramLabel = "DIRECTORY", description = "a Llama in BF16")
  private Path directory;

  @Parameters(index = "1", paramLabel = "FILE", description = "the GGUF file to write")
  private Path file;

  private final ByteArrayOutputStream metadata = new ByteArrayOutputStream();
  private int metadataCount;

  /** Runs the command line. */
  public static void main(String... args) {
    System.exit(Tool.commandLine(new GgufWriter()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    ModelConfig config = ModelConfig.read(ModelLocation.resolve(directory.toString()));
    if (config.architecture() != Architecture.LLAMA || config.attentionBias()) {
      throw new IllegalArgumentException("only Llamas without biases can be converted");
    }
    writeConfig(config);
    writeTokenizer(config);
    try (FileChannel weights =
        FileChannel.open(directory.resolve("model.safetensors"), StandardOpenOption.READ)) {
      List<Target> targets = new ArrayList<>();
      for (Source source : sources(weights)) {
        targets.add(target(source, config, weights));
      }
      if (config.ropeScaling() instanceof RopeScaling.Llama3 scaling) {
        targets.add(frequencyFactors(config, scaling));
      }
      write(targets);
    }
    return 0;
  }

  private void writeConfig(ModelConfig config) throws IOException {
    put("general.architecture", "llama");
    put("general.name", String.valueOf(directory.toAbsolutePath().normalize().getFileName()));
    put("general.file_type", MOSTLY_BF16);
    put("llama.context_length", config.context());
    put("llama.embedding_length", config.hidden());
    put("llama.block_count", config.layers());
    put("llama.feed_forward_length", config.feedForward());
    put("llama.attention.head_count", config.heads());
    put("llama.attention.head_count_kv", config.kvHeads());
    put("llama.attention.key_length", config.headSize());
    put("llama.attention.value_length", config.headSize());
    put("llama.attention.layer_norm_rms_epsilon", config.rmsNormEps());
    put("llama.rope.dimension_count", config.headSize());
    put("llama.rope.freq_base", (float) config.ropeTheta());
    put("llama.vocab_size", config.vocabulary());
    if (config.ropeScaling() instanceof RopeScaling.Linear(float factor)) {
      put("llama.rope.scaling.type", "linear");
      put("llama.rope.scaling.factor", factor);
    }
  }

  private void writeTokenizer(ModelConfig config) throws IOException {
    JsonNode root = JSON.readTree(directory.resolve("tokenizer.json").toFile());
    String[] tokens = new String[config.vocabulary()];
    int[] types = new int[tokens.length];
    for (int id = 0; id < tokens.length; id++) {
      tokens[id] = "[PAD" + id + "]";
      types[id] = NORMAL_TOKEN;
    }
    root.path("model")
        .path("vocab")
        .properties()
        .forEach(entry -> tokens[entry.getValue().asInt()] = entry.getKey());
    for (JsonNode added : root.path("added_tokens")) {
      int id = added.path("id").asInt();
      tokens[id] = added.path("content").asText();
      types[id] = added.path("special").asBoolean() ? CONTROL_TOKEN : NORMAL_TOKEN;
    }
    put("tokenizer.ggml.model", "gpt2");
    put("tokenizer.ggml.pre", "gpt-2");
    putStrings("tokenizer.ggml.tokens", List.of(tokens));
    beginArray("tokenizer.ggml.token_type", ValueType.INT32, types.length);
    for (int type : types) {
      metadata.write(bytes(Integer.BYTES).putInt(type).array());
    }
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : root.path("model").path("merges")) {
      merges.add(
          merge.isArray() ? merge.get(0).asText() + " " + merge.get(1).asText() : merge.asText());
    }
    putStrings("tokenizer.ggml.merges", merges);
    JsonNode json = JSON.readTree(directory.resolve("config.json").toFile());
    put("tokenizer.ggml.bos_token_id", firstOf(json.path("bos_token_id")));
    put("tokenizer.ggml.eos_token_id", firstOf(json.path("eos_token_id")));
  }

  private static int firstOf(JsonNode ids) {
    return ids.isArray() ? ids.path(0).asInt() : ids.asInt();
  }

  /** Reads the header of the safetensors: its length in 8 bytes, then JSON. */
  private static List<Source> sources(FileChannel weights) throws IOException {
    long length = Channels.read(weights, 0, bytes(Long.BYTES)).getLong();
    byte[] json = Channels.read(weights, Long.BYTES, bytes(Math.toIntExact(length))).array();
    List<Source> sources = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : JSON.readTree(json).properties()) {
      JsonNode tensor = entry.getValue();
      if (entry.getKey().equals("__metadata__")) {
        continue;
      }
      if (!tensor.path("dtype").asText().equals("BF16")) {
        throw new IllegalArgumentException(
            "%s is %s, but only BF16 can be converted"
                .formatted(entry.getKey(), tensor.path("dtype").asText()));
      }
      List<Long> shape = new ArrayList<>();
      tensor.path("shape").forEach(size -> shape.add(size.asLong()));
      long begin = tensor.path("data_offsets").path(0).asLong();
      long end = tensor.path("data_offsets").path(1).asLong();
      sources.add(new Source(entry.getKey(), shape, Long.BYTES + length + begin, end - begin));
    }
    return sources;
  }

  private static Target target(Source source, ModelConfig config, FileChannel weights) {
    String name = name(source.name());
    Contents plain =
        () -> Channels.read(weights, source.offset(), bytes(Math.toIntExact(source.length())));
    if (source.isVector()) {
      return new Target(name, source.shape(), TensorType.F32, () -> widen(plain.read()));
    }
    int heads =
        source.name().endsWith("q_proj.weight")
            ? config.heads()
            : source.name().endsWith("k_proj.weight") ? config.kvHeads() : 0;
    Contents contents =
        heads == 0 ? plain : () -> interleaveHalves(plain.read(), heads, config.headSize());
    return new Target(name, source.shape(), TensorType.BF16, contents);
  }

  private static String name(String name) {
    Matcher ofLayer = OF_LAYER.matcher(name);
    String target = ofLayer.matches() ? NAMES_IN_LAYERS.get(ofLayer.group(2)) : NAMES.get(name);
    if (target == null) {
      throw new IllegalArgumentException("a Llama has no tensor " + name);
    }
    return ofLayer.matches() ? "blk." + ofLayer.group(1) + "." + target : target;
  }

  private static ByteBuffer widen(ByteBuffer bf16) {
    ByteBuffer floats = bytes(bf16.remaining() * 2);
    while (bf16.hasRemaining()) {
      floats.putInt(bf16.getShort() << 16);
    }
    return floats.flip();
  }

  /**
   * Reorders the rows of each head, because llama.cpp turns neighbouring elements of a head
   * together, and Hugging Face those that are half a head apart.
   */
  private static ByteBuffer interleaveHalves(ByteBuffer rows, int heads, int headSize) {
    ByteBuffer interleaved = bytes(rows.remaining());
    int rowBytes = rows.remaining() / (heads * headSize);
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < headSize; i++) {
        int row = head * headSize + i / 2 + i % 2 * (headSize / 2);
        interleaved.put(rows.slice(row * rowBytes, rowBytes));
      }
    }
    return interleaved.flip();
  }

  /** What llama.cpp divides the rotary frequencies by, one for each pair of elements of a head. */
  private static Target frequencyFactors(ModelConfig config, RopeScaling.Llama3 scaling) {
    int pairs = config.headSize() / 2;
    ByteBuffer factors = bytes(pairs * Float.BYTES);
    IntStream.range(0, pairs).forEach(i -> factors.putFloat(frequencyFactor(i, config, scaling)));
    return new Target(
        "rope_freqs.weight", List.of((long) pairs), TensorType.F32, () -> factors.flip());
  }

  private static float frequencyFactor(int pair, ModelConfig config, RopeScaling.Llama3 scaling) {
    double frequency = Math.pow(config.ropeTheta(), -2.0 * pair / config.headSize());
    double turns = scaling.originalContext() * frequency / (2 * Math.PI);
    if (turns > scaling.highFreqFactor()) {
      return 1;
    }
    if (turns < scaling.lowFreqFactor()) {
      return scaling.factor();
    }
    double smooth =
        (turns - scaling.lowFreqFactor()) / (scaling.highFreqFactor() - scaling.lowFreqFactor());
    return (float) (1 / ((1 - smooth) / scaling.factor() + smooth));
  }

  /** Magic, version, counts; metadata; names, shapes, types and offsets; the tensors. */
  private void write(List<Target> targets) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    head.writeBytes(bytes(Integer.BYTES).putInt(VERSION).array());
    head.writeBytes(bytes(Long.BYTES).putLong(targets.size()).array());
    head.writeBytes(bytes(Long.BYTES).putLong(metadataCount).array());
    metadata.writeTo(head);
    long offset = 0;
    for (Target target : targets) {
      head.writeBytes(string(target.name()));
      head.writeBytes(bytes(Integer.BYTES).putInt(target.shape().size()).array());
      for (long size : target.shape().reversed()) {
        head.writeBytes(bytes(Long.BYTES).putLong(size).array());
      }
      head.writeBytes(bytes(Integer.BYTES).putInt(target.type().code).array());
      head.writeBytes(bytes(Long.BYTES).putLong(offset).array());
      offset += target.length() + padding(target.length());
    }
    head.writeBytes(new byte[padding(head.size())]);
    try (FileChannel out =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      Channels.write(out, ByteBuffer.wrap(head.toByteArray()));
      for (Target target : targets) {
        Channels.write(out, target.contents().read());
        Channels.write(out, bytes(padding(target.length())));
      }
    }
  }

  private static int padding(long length) {
    return (int) (-length & (ALIGNMENT - 1));
  }

  private void put(String key, String value) throws IOException {
    put(key, ValueType.STRING, string(value));
  }

  private void put(String key, int value) throws IOException {
    put(key, ValueType.UINT32, bytes(Integer.BYTES).putInt(value).array());
  }

  private void put(String key, float value) throws IOException {
    put(key, ValueType.FLOAT32, bytes(Float.BYTES).putFloat(value).array());
  }

  private void putStrings(String key, List<String> values) throws IOException {
    beginArray(key, ValueType.STRING, values.size());
    for (String value : values) {
      metadata.write(string(value));
    }
  }

  private void beginArray(String key, ValueType type, long length) throws IOException {
    put(
        key,
        ValueType.ARRAY,
        bytes(Integer.BYTES + Long.BYTES).putInt(type.code).putLong(length).array());
  }

  private void put(String key, ValueType type, byte[] value) throws IOException {
    metadata.write(string(key));
    metadata.write(bytes(Integer.BYTES).putInt(type.code).array());
    metadata.write(value);
    metadataCount++;
  }

  private static byte[] string(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return bytes(Long.BYTES + utf8.length).putLong(utf8.length).put(utf8).array();
  }

  private static ByteBuffer bytes(int length) {
    return ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
  }
}
