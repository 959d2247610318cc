package io.chasqui.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.chasqui.pack.EmbeddedModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * Small models with random weights, one for each thing in which the families of decoders differ.
 * Their tokens are single bytes.
 */
public enum TinyFamily {
  /** As many key-value heads as heads, and every default left to the reader. */
  LLAMA_2(
      """
      {"model_type": "llama", "hidden_size": 96, "intermediate_size": 160, "num_hidden_layers": 2,
       "num_attention_heads": 6}
      """),

  /** Positions stretched by a factor. */
  LLAMA_LINEAR(
      """
      {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 0.05,
       "rope_theta": 500.0, "rope_scaling": {"rope_type": "linear", "factor": 4.0}}
      """),

  /**
   * Llama 3.2: a tied embedding and Llama 3.1's frequencies, of which some are kept, some blended
   * and some stretched here.
   */
  LLAMA_3(
      """
      {"model_type": "llama", "hidden_size": 128, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 1, "tie_word_embeddings": true,
       "rms_norm_eps": 1e-05, "rope_theta": 20000.0,
       "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                        "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}
      """),

  /** Queries that are narrower than the residual stream. */
  LLAMA_NARROW_HEADS(
      """
      {"model_type": "llama", "hidden_size": 96, "intermediate_size": 64, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16}
      """),

  /** Biases in all four projections of the attention. */
  LLAMA_BIASED(
      """
      {"model_type": "llama", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "attention_bias": true}
      """),

  /** A sliding window. */
  MISTRAL(
      """
      {"model_type": "mistral", "hidden_size": 64, "intermediate_size": 128,
       "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
       "rope_theta": 1000000.0, "rms_norm_eps": 1e-05, "sliding_window": 72}
      """),

  /** Mistral Nemo: no window, and queries that are wider than the residual stream. */
  MISTRAL_WIDE_HEADS(
      """
      {"model_type": "mistral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 32, "sliding_window": null}
      """),

  /** Biases in the projections to queries, keys and values; a window that is turned off. */
  QWEN_2(
      """
      {"model_type": "qwen2", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3,
       "num_attention_heads": 4, "num_key_value_heads": 2, "rope_theta": 1000000.0,
       "sliding_window": 8, "use_sliding_window": false, "max_window_layers": 1}
      """),

  /** Seven heads to a key-value head, and a tied embedding, as the smallest of Qwen 2.5 have. */
  QWEN_2_TIED(
      """
      {"model_type": "qwen2", "hidden_size": 224, "intermediate_size": 96, "num_hidden_layers": 2,
       "num_attention_heads": 14, "num_key_value_heads": 2, "rope_theta": 1000000.0,
       "tie_word_embeddings": true}
      """),

  /** Its four multipliers, none of which is another family's. */
  GRANITE(
      """
      {"model_type": "granite", "hidden_size": 64, "intermediate_size": 96,
       "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2,
       "tie_word_embeddings": true, "rms_norm_eps": 1e-05, "rope_theta": 5000.0,
       "embedding_multiplier": 2.0, "attention_multiplier": 0.4, "residual_multiplier": 0.7,
       "logits_scaling": 8.0}
      """);

  public static final int VOCABULARY = 274;
  public static final int CONTEXT = 128;

  private static final ObjectMapper JSON = new ObjectMapper();

  private final String config;

  TinyFamily(String config) {
    this.config = config;
  }

  /** How the weights are stored. */
  public enum Stored {
    F32,
    BF16;

    private void put(ByteArrayOutputStream out, float value) {
      int bits = Float.floatToRawIntBits(value);
      for (int shift = this == F32 ? 0 : Short.SIZE; shift < Integer.SIZE; shift += Byte.SIZE) {
        out.write(bits >>> shift);
      }
    }
  }

  /** Tokens of a prompt, the same at each call. */
  public int[] prompt(int length) {
    return new SplittableRandom(name().hashCode()).ints(length, 0, VOCABULARY).toArray();
  }

  private ObjectNode config() throws IOException {
    ObjectNode json = (ObjectNode) JSON.readTree(config);
    return json.put("vocab_size", VOCABULARY)
        .put("max_position_embeddings", CONTEXT)
        .put("bos_token_id", 256)
        .put("eos_token_id", 257);
  }

  /** Writes Hugging Face's files, the same at each call. */
  public void write(Path directory, Stored stored) throws IOException {
    ObjectNode json = config();
    Files.write(directory.resolve("tokenizer.json"), JSON.writeValueAsBytes(bytesOnly()));
    Files.write(directory.resolve("config.json"), JSON.writeValueAsBytes(json));
    Files.write(directory.resolve("model.safetensors"), safetensors(shapes(json), stored));
  }

  /** The demo model's tokenizer without all that it has learned. */
  private static JsonNode bytesOnly() throws IOException {
    JsonNode tokenizer = JSON.readTree(new EmbeddedModel().require("tokenizer.json"));
    ((ArrayNode) tokenizer.get("added_tokens")).removeAll();
    ((ArrayNode) tokenizer.at("/model/merges")).removeAll();
    ((ObjectNode) tokenizer.at("/model/vocab")).removeIf(id -> id.intValue() >= 256);
    return tokenizer;
  }

  private static Map<String, int[]> shapes(JsonNode json) {
    int hidden = json.get("hidden_size").intValue();
    int feedForward = json.get("intermediate_size").intValue();
    int heads = json.get("num_attention_heads").intValue();
    int headSize = json.path("head_dim").asInt(hidden / heads);
    int queries = heads * headSize;
    int keys = json.path("num_key_value_heads").asInt(heads) * headSize;
    boolean outputBias = json.path("attention_bias").booleanValue();
    boolean bias = outputBias || json.get("model_type").textValue().equals("qwen2");

    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new int[] {VOCABULARY, hidden});
    for (int i = 0; i < json.get("num_hidden_layers").intValue(); i++) {
      String layer = "model.layers." + i + ".";
      shapes.put(layer + "input_layernorm.weight", new int[] {hidden});
      projection(shapes, layer + "self_attn.q_proj", queries, hidden, bias);
      projection(shapes, layer + "self_attn.k_proj", keys, hidden, bias);
      projection(shapes, layer + "self_attn.v_proj", keys, hidden, bias);
      projection(shapes, layer + "self_attn.o_proj", hidden, queries, outputBias);
      shapes.put(layer + "post_attention_layernorm.weight", new int[] {hidden});
      projection(shapes, layer + "mlp.gate_proj", feedForward, hidden, false);
      projection(shapes, layer + "mlp.up_proj", feedForward, hidden, false);
      projection(shapes, layer + "mlp.down_proj", hidden, feedForward, false);
    }
    shapes.put("model.norm.weight", new int[] {hidden});
    if (!json.path("tie_word_embeddings").booleanValue()) {
      shapes.put("lm_head.weight", new int[] {VOCABULARY, hidden});
    }
    return shapes;
  }

  private static void projection(
      Map<String, int[]> shapes, String name, int rows, int columns, boolean bias) {
    shapes.put(name + ".weight", new int[] {rows, columns});
    if (bias) {
      shapes.put(name + ".bias", new int[] {rows});
    }
  }

  private byte[] safetensors(Map<String, int[]> shapes, Stored stored) throws IOException {
    var random = new SplittableRandom(~name().hashCode());
    var data = new ByteArrayOutputStream();
    ObjectNode header = JSON.createObjectNode();
    for (var tensor : shapes.entrySet()) {
      int begin = data.size();
      int[] shape = tensor.getValue();
      int values = shape.length == 1 ? shape[0] : shape[0] * shape[1];
      for (int i = 0; i < values; i++) {
        stored.put(data, weight(tensor.getKey(), shape, random.nextGaussian()));
      }
      ObjectNode entry = header.putObject(tensor.getKey()).put("dtype", stored.name());
      entry.set("shape", JSON.valueToTree(shape));
      entry.set("data_offsets", JSON.valueToTree(new int[] {begin, data.size()}));
    }
    byte[] json = JSON.writeValueAsBytes(header);
    return ByteBuffer.allocate(Long.BYTES + json.length + data.size())
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .put(data.toByteArray())
        .array();
  }

  /** Large enough for every part of the network to matter to the logits. */
  private static float weight(String name, int[] shape, double gaussian) {
    if (name.endsWith("norm.weight")) {
      return (float) (1 + 0.3 * gaussian);
    }
    if (name.endsWith(".bias")) {
      return (float) (0.5 * gaussian);
    }
    if (name.endsWith("embed_tokens.weight")) {
      return (float) (0.7 * gaussian);
    }
    // Scores of attention that differ by 2 or so: neither a mean nor a choice of one position.
    boolean scores = name.contains("q_proj") || name.contains("k_proj");
    return (float) ((scores ? 1.5 : 1) * gaussian / Math.sqrt(shape[1]));
  }
}
