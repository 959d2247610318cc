package io.chasqui.pack;

import static io.chasqui.kernel.DType.GROUP_ROWS;

import io.chasqui.kernel.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * Which tensors a packed model has, in the order of the file, and which tensors of Hugging Face's
 * layout they are made of. Names are Hugging Face's, but for the projections to queries, keys and
 * values of a layer, which are one matrix {@code qkv_proj}: their rows follow one another, each
 * padded with zero rows to whole groups.
 */
record TensorPlan(List<Item> items) {

  /**
   * A tensor of Hugging Face's layout.
   *
   * @param rows its outputs, or the length of a vector
   */
  record Part(String name, int rows) {}

  /**
   * A tensor of the packed file.
   *
   * @param columns inputs of a matrix; 0 for a vector
   */
  record Item(String name, List<Part> parts, int columns) {
    boolean isVector() {
      return columns == 0;
    }

    /** Outputs, or the length of a vector; fused parts with their padding. */
    int rows() {
      return parts.size() == 1
          ? parts.getFirst().rows()
          : parts.stream().mapToInt(part -> groups(part) * GROUP_ROWS).sum();
    }

    /** Its numbers, without padding. */
    long parameters() {
      return parts.stream().mapToLong(Part::rows).sum() * Math.max(columns, 1);
    }

    /** Vectors are plain floats whatever is asked for. */
    DType dtype(DType wanted) {
      return isVector() ? DType.F32 : wanted;
    }

    /** The bytes it takes. */
    long bytes(DType dtype) {
      return isVector() ? (long) rows() * Float.BYTES : dtype.bytes(rows(), columns);
    }
  }

  /** Groups of rows that a part takes in a matrix. */
  static int groups(Part part) {
    return (part.rows() + GROUP_ROWS - 1) / GROUP_ROWS;
  }

  static TensorPlan of(ModelConfig config) {
    var items = new ArrayList<Item>();
    int hidden = config.hidden();
    matrix(items, "model.embed_tokens.weight", config.vocabulary(), hidden);
    for (int layer = 0; layer < config.layers(); layer++) {
      addLayer(items, config, "model.layers." + layer + ".");
    }
    vector(items, "model.norm.weight", hidden);
    if (!config.tiedEmbeddings()) {
      matrix(items, "lm_head.weight", config.vocabulary(), hidden);
    }
    return new TensorPlan(List.copyOf(items));
  }

  private static void addLayer(List<Item> items, ModelConfig config, String layer) {
    int hidden = config.hidden();
    String attention = layer + "self_attn.";
    vector(items, layer + "input_layernorm.weight", hidden);
    items.add(new Item(attention + "qkv_proj.weight", qkv(config, attention, "weight"), hidden));
    if (config.attentionBias()) {
      items.add(new Item(attention + "qkv_proj.bias", qkv(config, attention, "bias"), 0));
    }
    matrix(items, attention + "o_proj.weight", hidden, config.queryWidth());
    if (config.attentionOutputBias()) {
      vector(items, attention + "o_proj.bias", hidden);
    }
    vector(items, layer + "post_attention_layernorm.weight", hidden);
    matrix(items, layer + "mlp.gate_proj.weight", config.feedForward(), hidden);
    matrix(items, layer + "mlp.up_proj.weight", config.feedForward(), hidden);
    matrix(items, layer + "mlp.down_proj.weight", hidden, config.feedForward());
  }

  private static List<Part> qkv(ModelConfig config, String attention, String kind) {
    return List.of(
        new Part(attention + "q_proj." + kind, config.queryWidth()),
        new Part(attention + "k_proj." + kind, config.kvWidth()),
        new Part(attention + "v_proj." + kind, config.kvWidth()));
  }

  private static void matrix(List<Item> items, String name, int rows, int columns) {
    items.add(new Item(name, List.of(new Part(name, rows)), columns));
  }

  private static void vector(List<Item> items, String name, int length) {
    matrix(items, name, length, 0);
  }
}
