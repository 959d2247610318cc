package io.chasqui.pack;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/** Models with random weights whose vocabulary is padded. */
final class TinyModels {
  static final int HEAD_SIZE = 16;
  static final int VOCABULARY = 2050;

  private TinyModels() {}

  /** A Qwen 2: biases, an output matrix of its own, four query heads to a key-value head. */
  static Path qwen2(Path directory, long seed) throws IOException {
    EmbeddedModel demo = new EmbeddedModel();
    Files.write(directory.resolve("tokenizer.json"), demo.require("tokenizer.json"));
    Files.writeString(
        directory.resolve("config.json"),
        """
        {"model_type": "qwen2", "num_hidden_layers": 2, "hidden_size": 32, "intermediate_size": 96,
         "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 16, "vocab_size": 2050,
         "max_position_embeddings": 128, "eos_token_id": 2047, "sliding_window": 64,
         "use_sliding_window": false, "rope_theta": 1000000.0}
        """);
    Map<String, int[]> shapes = new LinkedHashMap<>();
    shapes.put("model.embed_tokens.weight", new int[] {VOCABULARY, 32});
    for (int layer = 0; layer < 2; layer++) {
      String prefix = "model.layers." + layer + ".";
      shapes.put(prefix + "input_layernorm.weight", new int[] {32});
      shapes.put(prefix + "self_attn.q_proj.weight", new int[] {4 * HEAD_SIZE, 32});
      shapes.put(prefix + "self_attn.q_proj.bias", new int[] {4 * HEAD_SIZE});
      shapes.put(prefix + "self_attn.k_proj.weight", new int[] {HEAD_SIZE, 32});
      shapes.put(prefix + "self_attn.k_proj.bias", new int[] {HEAD_SIZE});
      shapes.put(prefix + "self_attn.v_proj.weight", new int[] {HEAD_SIZE, 32});
      shapes.put(prefix + "self_attn.v_proj.bias", new int[] {HEAD_SIZE});
      shapes.put(prefix + "self_attn.o_proj.weight", new int[] {32, 4 * HEAD_SIZE});
      shapes.put(prefix + "post_attention_layernorm.weight", new int[] {32});
      shapes.put(prefix + "mlp.gate_proj.weight", new int[] {96, 32});
      shapes.put(prefix + "mlp.up_proj.weight", new int[] {96, 32});
      shapes.put(prefix + "mlp.down_proj.weight", new int[] {32, 96});
    }
    shapes.put("model.norm.weight", new int[] {32});
    shapes.put("lm_head.weight", new int[] {VOCABULARY, 32});
    Files.write(directory.resolve(SafetensorsFiles.SINGLE), safetensors(shapes, seed));
    return directory;
  }

  /** Random floats as F32 tensors of the given shapes. */
  private static byte[] safetensors(Map<String, int[]> shapes, long seed) {
    var random = new SplittableRandom(seed);
    int offset = 0;
    Map<String, String> entries = new LinkedHashMap<>();
    for (var tensor : shapes.entrySet()) {
      int[] shape = tensor.getValue();
      int values = shape.length == 1 ? shape[0] : shape[0] * shape[1];
      String dimensions = shape.length == 1 ? "" + shape[0] : shape[0] + "," + shape[1];
      entries.put(
          tensor.getKey(),
          "{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
              .formatted(dimensions, offset, offset + 4 * values));
      offset += 4 * values;
    }
    byte[] header =
        entries.entrySet().stream()
            .map(entry -> "\"" + entry.getKey() + "\":" + entry.getValue())
            .collect(Collectors.joining(",", "{", "}"))
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer file =
        ByteBuffer.allocate(8 + header.length + offset)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header);
    while (file.hasRemaining()) {
      file.putFloat((float) random.nextDouble(-1, 1));
    }
    return file.array();
  }
}
