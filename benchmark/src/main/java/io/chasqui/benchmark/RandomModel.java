package io.chasqui.benchmark;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Writes a Llama of any shape with random weights, for measurements only: a directory in Hugging
 * Face's layout, with BF16 safetensors, {@code config.json} and a byte-level {@code tokenizer.json}
 * of the vocabulary's size. The same arguments give the same bytes.
 *
 * <p>Weights are normal with a deviation of 1 ÷ √columns, so that no activation overflows; norms
 * are ones.
 */
@Command(
    name = "RandomModel",
    description = "Writes a Llama of any shape with random weights.",
    mixinStandardHelpOptions = true,
    showDefaultValues = true)
public final class RandomModel implements Callable<Integer> {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int BYTES = 256;
  private static final int LONGEST_PIECE = 20;

  @Parameters(paramLabel = "DIRECTORY", description = "what to write; it may not exist yet")
  private Path directory;

  @Option(names = "--hidden", description = "width of the residual stream")
  private int hidden = 2048;

  @Option(names = "--feed-forward", description = "width inside the feed-forward network")
  private int feedForward = 8192;

  @Option(names = "--layers", description = "decoder layers")
  private int layers = 16;

  @Option(names = "--heads", description = "query heads")
  private int heads = 32;

  @Option(names = "--kv-heads", description = "key-value heads")
  private int kvHeads = 8;

  @Option(names = "--vocabulary", description = "tokens, at least 258")
  private int vocabulary = 128_256;

  @Option(names = "--context", description = "most positions")
  private int context = 8192;

  @Option(names = "--untied", description = "gives the output a matrix of its own")
  private boolean untied;

  @Option(names = "--seed", description = "another one gives other weights")
  private long seed = 1;

  /** Runs the command line. */
  public static void main(String... args) {
    System.exit(Tool.commandLine(new RandomModel()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    if (vocabulary < BYTES + 2 || hidden % heads != 0 || heads % kvHeads != 0) {
      throw new IllegalArgumentException(
          "--vocabulary must be at least 258, --hidden a multiple of --heads, and --heads of"
              + " --kv-heads");
    }
    Files.createDirectory(directory);
    Files.write(directory.resolve("config.json"), JSON.writeValueAsBytes(config()));
    Files.write(directory.resolve("tokenizer.json"), JSON.writeValueAsBytes(tokenizer()));
    // Jlama's quantizer copies this file and fails without it.
    Files.writeString(directory.resolve("README.md"), "Random weights, for measurements only.\n");
    writeWeights(directory.resolve("model.safetensors"));
    return 0;
  }

  private ObjectNode config() {
    ObjectNode config = JSON.createObjectNode();
    config.putArray("architectures").add("LlamaForCausalLM");
    return config
        .put("model_type", "llama")
        .put("hidden_size", hidden)
        .put("intermediate_size", feedForward)
        .put("num_hidden_layers", layers)
        .put("num_attention_heads", heads)
        .put("num_key_value_heads", kvHeads)
        .put("vocab_size", vocabulary)
        .put("max_position_embeddings", context)
        .put("rms_norm_eps", 1e-5)
        .put("rope_theta", 500_000.0)
        .put("tie_word_embeddings", !untied)
        .put("hidden_act", "silu")
        .put("bos_token_id", vocabulary - 2)
        .put("eos_token_id", vocabulary - 1)
        .put("torch_dtype", "bfloat16");
  }

  /** The bytes, then pieces that are each made of two earlier ones, then two special tokens. */
  private ObjectNode tokenizer() {
    ObjectNode root = JSON.createObjectNode().put("version", "1.0");
    ArrayNode added = root.putArray("added_tokens");
    addSpecial(added, vocabulary - 2, "<|begin|>");
    addSpecial(added, vocabulary - 1, "<|end|>");
    root.putObject("pre_tokenizer")
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
    root.putObject("decoder").put("type", "ByteLevel");
    ObjectNode model = root.putObject("model").put("type", "BPE");
    ObjectNode ids = model.putObject("vocab");
    ArrayNode merges = model.putArray("merges");
    List<String> pieces = new ArrayList<>(alphabet());
    pieces.forEach(piece -> ids.put(piece, ids.size()));
    SplittableRandom random = new SplittableRandom(seed);
    while (pieces.size() < vocabulary - 2) {
      String left = pieces.get(random.nextInt(pieces.size()));
      String right = pieces.get(random.nextInt(BYTES));
      if (left.length() < LONGEST_PIECE && !ids.has(left + right)) {
        ids.put(left + right, ids.size());
        pieces.add(left + right);
        merges.addArray().add(left).add(right);
      }
    }
    return root;
  }

  private static void addSpecial(ArrayNode added, int id, String content) {
    added
        .addObject()
        .put("id", id)
        .put("content", content)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", true);
  }

  /**
   * The characters that stand for the 256 bytes in GPT-2's byte-level vocabularies: printable ones
   * for themselves, the others shifted to 256 and up.
   */
  private static List<String> alphabet() {
    List<String> alphabet = new ArrayList<>();
    int shifted = BYTES;
    for (int b = 0; b < BYTES; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      alphabet.add(Character.toString(printable ? b : shifted++));
    }
    return alphabet;
  }

  /** Names and shapes: {@code [rows, columns]}, or {@code [length]} of a norm. */
  private Map<String, int[]> tensors() {
    Map<String, int[]> tensors = new LinkedHashMap<>();
    int kvWidth = hidden / heads * kvHeads;
    tensors.put("model.embed_tokens.weight", new int[] {vocabulary, hidden});
    for (int layer = 0; layer < layers; layer++) {
      String prefix = "model.layers." + layer + ".";
      tensors.put(prefix + "input_layernorm.weight", new int[] {hidden});
      tensors.put(prefix + "self_attn.q_proj.weight", new int[] {hidden, hidden});
      tensors.put(prefix + "self_attn.k_proj.weight", new int[] {kvWidth, hidden});
      tensors.put(prefix + "self_attn.v_proj.weight", new int[] {kvWidth, hidden});
      tensors.put(prefix + "self_attn.o_proj.weight", new int[] {hidden, hidden});
      tensors.put(prefix + "post_attention_layernorm.weight", new int[] {hidden});
      tensors.put(prefix + "mlp.gate_proj.weight", new int[] {feedForward, hidden});
      tensors.put(prefix + "mlp.up_proj.weight", new int[] {feedForward, hidden});
      tensors.put(prefix + "mlp.down_proj.weight", new int[] {hidden, feedForward});
    }
    tensors.put("model.norm.weight", new int[] {hidden});
    if (untied) {
      tensors.put("lm_head.weight", new int[] {vocabulary, hidden});
    }
    return tensors;
  }

  private void writeWeights(Path file) throws IOException {
    Map<String, int[]> tensors = tensors();
    byte[] header = header(tensors).getBytes(StandardCharsets.UTF_8);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.allocate(1 << 20).order(ByteOrder.LITTLE_ENDIAN);
      drain(buffer.putLong(header.length), channel);
      Channels.write(channel, ByteBuffer.wrap(header));
      SplittableRandom random = new SplittableRandom(seed);
      for (int[] shape : tensors.values()) {
        long count = count(shape);
        double deviation = 1 / Math.sqrt(shape[shape.length - 1]);
        for (long i = 0; i < count; i++) {
          float value = shape.length == 1 ? 1 : (float) (random.nextGaussian() * deviation);
          buffer.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
          if (!buffer.hasRemaining()) {
            drain(buffer, channel);
          }
        }
      }
      drain(buffer, channel);
    }
  }

  private static void drain(ByteBuffer buffer, FileChannel channel) throws IOException {
    Channels.write(channel, buffer.flip());
    buffer.clear();
  }

  private static String header(Map<String, int[]> tensors) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    long offset = 0;
    for (Map.Entry<String, int[]> tensor : tensors.entrySet()) {
      ObjectNode node = header.putObject(tensor.getKey()).put("dtype", "BF16");
      ArrayNode shape = node.putArray("shape");
      for (int size : tensor.getValue()) {
        shape.add(size);
      }
      long end = offset + count(tensor.getValue()) * Short.BYTES;
      node.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    String json = JSON.writeValueAsString(header);
    return json + " ".repeat(-json.length() & 7);
  }

  private static long count(int[] shape) {
    return shape.length == 1 ? shape[0] : (long) shape[0] * shape[1];
  }
}
