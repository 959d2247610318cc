package io.chasqui.engine;

import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.TensorInfo;
import io.chasqui.pack.ModelFormatException;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;

/**
 * The shapes that a decoder's matrices must have. Jlama takes sizes from the configuration alone
 * and turns off the bounds checks of its vectors: a matrix that is smaller than expected would be
 * read beyond its end.
 */
final class WeightShapes {
  private static final String LAYERS = "model.layers.";

  private WeightShapes() {}

  /**
   * @throws ModelFormatException if a weight that is known by its name has another shape, or there
   *     are more or fewer layers
   */
  static void check(String model, Config config, Map<String, TensorInfo> tensors) {
    if (tensors.containsKey(LAYERS + "0.self_attn.q_proj.weight")) {
      checkLayers(model, config, tensors.keySet());
    }
    tensors.forEach((name, tensor) -> {
      int[] expected = expected(name, config);
      if (expected != null && !Arrays.equals(expected, tensor.shape)) {
        throw new ModelFormatException(
            model,
            name,
            "has shape %s, but config.json asks for %s; weights and configuration must be of the same model"
                .formatted(Arrays.toString(tensor.shape), Arrays.toString(expected)));
      }
    });
  }

  private static void checkLayers(String model, Config config, Set<String> names) {
    for (int layer = 0; layer <= config.numberOfLayers; layer++) {
      boolean wanted = layer < config.numberOfLayers;
      String name = LAYERS + layer + ".self_attn.q_proj.weight";
      if (names.contains(name) != wanted) {
        throw new ModelFormatException(
            model,
            name,
            "is %s, but config.json asks for %d layers; weights and configuration must be of the same model"
                .formatted(wanted ? "missing" : "there", config.numberOfLayers));
      }
    }
  }

  /** {@code [rows, columns]}, or null for a name that is not in Llama's scheme. */
  private static int[] expected(String name, Config c) {
    if (name.equals("model.embed_tokens.weight") || name.equals("lm_head.weight")) {
      return new int[] {c.vocabularySize, c.embeddingLength};
    }
    if (name.equals("model.norm.weight")) {
      return new int[] {c.embeddingLength};
    }
    if (!name.startsWith(LAYERS)) {
      return null;
    }
    int layerEnd = name.indexOf('.', LAYERS.length());
    return switch (name.substring(layerEnd + 1)) {
      case "self_attn.q_proj.weight" -> new int[] {c.attentionLength, c.embeddingLength};
      case "self_attn.k_proj.weight", "self_attn.v_proj.weight" ->
          new int[] {c.kvLength, c.embeddingLength};
      case "self_attn.o_proj.weight" -> new int[] {c.embeddingLength, c.attentionLength};
      case "self_attn.q_proj.bias" -> new int[] {c.attentionLength};
      case "self_attn.k_proj.bias", "self_attn.v_proj.bias" -> new int[] {c.kvLength};
      case "mlp.gate_proj.weight", "mlp.up_proj.weight" ->
          new int[] {c.hiddenLength, c.embeddingLength};
      case "mlp.down_proj.weight" -> new int[] {c.embeddingLength, c.hiddenLength};
      case "input_layernorm.weight", "post_attention_layernorm.weight" ->
          new int[] {c.embeddingLength};
      default -> null;
    };
  }
}
