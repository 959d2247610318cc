package io.chasqui.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.function.DoubleUnaryOperator;
import java.util.function.UnaryOperator;

/**
 * The forward pass of Llama, Mistral, Qwen 2 and Granite as Hugging Face's transformers defines it
 * in {@code modeling_llama.py}, {@code modeling_mistral.py}, {@code modeling_qwen2.py}, {@code
 * modeling_granite.py} and {@code modeling_rope_utils.py}: plain loops in float64, straight from
 * {@code config.json} and {@code model.safetensors}. It shares nothing with the decoder that it
 * judges.
 */
final class ReferenceDecoder {
  private final JsonNode config;
  private final String family;
  private final DoubleUnaryOperator stored;
  private final Map<String, double[]> tensors = new HashMap<>();

  private final int hidden;
  private final int heads;
  private final int kvHeads;
  private final int headSize;

  /**
   * Reads a model.
   *
   * @param matrices what becomes of a matrix when the model is packed
   * @param stored what becomes of an element of a key or value when it is stored
   */
  ReferenceDecoder(Path directory, UnaryOperator<double[]> matrices, DoubleUnaryOperator stored)
      throws IOException {
    config = new ObjectMapper().readTree(directory.resolve("config.json").toFile());
    this.stored = stored;
    readTensors(Files.readAllBytes(directory.resolve("model.safetensors")), matrices);
    family = config.get("model_type").textValue();
    hidden = config.get("hidden_size").intValue();
    heads = config.get("num_attention_heads").intValue();
    kvHeads = config.path("num_key_value_heads").asInt(heads);
    headSize = config.path("head_dim").asInt(hidden / heads);
  }

  /** Keys and values kept in float16. */
  static double half(double value) {
    return Float.float16ToFloat(Float.floatToFloat16((float) value));
  }

  /** Weights kept in 8 bits: blocks of 32, the largest magnitude is 127 times a float16 scale. */
  static double[] q8(double[] weights) {
    return inBlocks(weights, extreme -> Math.abs(extreme) / 127, 127, 127);
  }

  /** Weights kept in 4 bits: blocks of 32, what is farthest from zero is −8 times the scale. */
  static double[] q4(double[] weights) {
    return inBlocks(weights, extreme -> -extreme / 8, 8, 7);
  }

  private static double[] inBlocks(
      double[] weights, DoubleUnaryOperator scaleOf, int below, int above) {
    double[] rounded = new double[weights.length];
    for (int block = 0; block < weights.length; block += 32) {
      double extreme = 0;
      for (int i = block; i < block + 32; i++) {
        extreme = Math.abs(weights[i]) > Math.abs(extreme) ? weights[i] : extreme;
      }
      double scale = half(scaleOf.applyAsDouble(extreme));
      for (int i = block; i < block + 32; i++) {
        rounded[i] = scale * Math.max(-below, Math.min(above, Math.rint(weights[i] / scale)));
      }
    }
    return rounded;
  }

  private void readTensors(byte[] file, UnaryOperator<double[]> matrices) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int length = (int) bytes.getLong();
    JsonNode header = new ObjectMapper().readTree(file, Long.BYTES, length);
    for (var entry : header.properties()) {
      int begin = Long.BYTES + length + entry.getValue().get("data_offsets").get(0).intValue();
      int end = Long.BYTES + length + entry.getValue().get("data_offsets").get(1).intValue();
      boolean bf16 = entry.getValue().get("dtype").textValue().equals("BF16");
      double[] values = new double[(end - begin) / (bf16 ? 2 : 4)];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            bf16
                ? Float.intBitsToFloat(bytes.getShort(begin + 2 * i) << 16)
                : bytes.getFloat(begin + 4 * i);
      }
      boolean matrix = entry.getValue().get("shape").size() == 2;
      tensors.put(entry.getKey(), matrix ? matrices.apply(values) : values);
    }
  }

  /** The logits after each of the tokens, {@code [tokens, vocabulary]}. */
  double[][] logits(int[] tokens) {
    double[] embedding = tensors.get("model.embed_tokens.weight");
    double[][] x = new double[tokens.length][hidden];
    for (int t = 0; t < tokens.length; t++) {
      for (int i = 0; i < hidden; i++) {
        x[t][i] = embedding[tokens[t] * hidden + i] * granite("embedding_multiplier", 1);
      }
    }
    for (int layer = 0; layer < config.get("num_hidden_layers").intValue(); layer++) {
      String prefix = "model.layers." + layer + ".";
      addTo(x, attention(prefix + "self_attn.", norm(x, prefix + "input_layernorm.weight")));
      addTo(x, feedForward(prefix + "mlp.", norm(x, prefix + "post_attention_layernorm.weight")));
    }
    boolean tied = config.path("tie_word_embeddings").asBoolean(false);
    double[] output = tied ? embedding : tensors.get("lm_head.weight");
    double[][] logits = multiply(norm(x, "model.norm.weight"), output, null);
    for (double[] row : logits) {
      for (int i = 0; i < row.length; i++) {
        row[i] /= granite("logits_scaling", 1);
      }
    }
    return logits;
  }

  private double granite(String field, double otherFamilies) {
    return family.equals("granite") ? config.path(field).asDouble(1) : otherFamilies;
  }

  private void addTo(double[][] x, double[][] more) {
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < hidden; i++) {
        x[t][i] += more[t][i] * granite("residual_multiplier", 1);
      }
    }
  }

  private double[][] norm(double[][] x, String name) {
    double[] weight = tensors.get(name);
    double[][] normed = new double[x.length][hidden];
    for (int t = 0; t < x.length; t++) {
      double squares = 0;
      for (double value : x[t]) {
        squares += value * value;
      }
      double eps = config.path("rms_norm_eps").asDouble(1e-6);
      for (int i = 0; i < hidden; i++) {
        normed[t][i] = weight[i] * x[t][i] / Math.sqrt(squares / hidden + eps);
      }
    }
    return normed;
  }

  private double[][] linear(double[][] x, String name) {
    return multiply(x, tensors.get(name + ".weight"), tensors.get(name + ".bias"));
  }

  private static double[][] multiply(double[][] x, double[] weight, double[] bias) {
    int columns = x[0].length;
    int rows = weight.length / columns;
    double[][] product = new double[x.length][rows];
    for (int t = 0; t < x.length; t++) {
      for (int row = 0; row < rows; row++) {
        double sum = bias == null ? 0 : bias[row];
        for (int i = 0; i < columns; i++) {
          sum += weight[row * columns + i] * x[t][i];
        }
        product[t][row] = sum;
      }
    }
    return product;
  }

  private double[][] attention(String prefix, double[][] x) {
    double[][] queries = linear(x, prefix + "q_proj");
    double[][] keys = linear(x, prefix + "k_proj");
    double[][] values = linear(x, prefix + "v_proj");
    double[] frequencies = frequencies();
    for (int t = 0; t < x.length; t++) {
      rotate(queries[t], heads, t, frequencies);
      rotate(keys[t], kvHeads, t, frequencies);
      for (int i = 0; i < keys[t].length; i++) {
        keys[t][i] = stored.applyAsDouble(keys[t][i]);
        values[t][i] = stored.applyAsDouble(values[t][i]);
      }
    }
    double[][] attended = new double[x.length][heads * headSize];
    for (int t = 0; t < x.length; t++) {
      for (int head = 0; head < heads; head++) {
        attend(queries[t], keys, values, t, head, attended[t]);
      }
    }
    return linear(attended, prefix + "o_proj");
  }

  private void attend(
      double[] query, double[][] keys, double[][] values, int t, int head, double[] out) {
    int q = head * headSize;
    int kv = head / (heads / kvHeads) * headSize;
    int first = Math.max(0, t + 1 - window());
    double[] weights = new double[t + 1];
    double sum = 0;
    for (int s = first; s <= t; s++) {
      double score = 0;
      for (int i = 0; i < headSize; i++) {
        score += query[q + i] * keys[s][kv + i];
      }
      weights[s] = Math.exp(score * granite("attention_multiplier", 1 / Math.sqrt(headSize)));
      sum += weights[s];
    }
    for (int s = first; s <= t; s++) {
      for (int i = 0; i < headSize; i++) {
        out[q + i] += weights[s] / sum * values[s][kv + i];
      }
    }
  }

  /** How many positions a position sees, itself included. */
  private int window() {
    return family.equals("mistral")
        ? config.path("sliding_window").asInt(Integer.MAX_VALUE)
        : Integer.MAX_VALUE;
  }

  private void rotate(double[] x, int count, int position, double[] frequencies) {
    int half = headSize / 2;
    for (int head = 0; head < count; head++) {
      for (int i = 0; i < half; i++) {
        int left = head * headSize + i;
        double cos = Math.cos(position * frequencies[i]);
        double sin = Math.sin(position * frequencies[i]);
        double a = x[left];
        double b = x[left + half];
        x[left] = a * cos - b * sin;
        x[left + half] = b * cos + a * sin;
      }
    }
  }

  private double[] frequencies() {
    JsonNode scaling = config.path("rope_scaling");
    double[] frequencies = new double[headSize / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double plain = 1 / Math.pow(config.path("rope_theta").asDouble(10_000), 2.0 * i / headSize);
      frequencies[i] =
          switch (scaling.path("rope_type").asText("default")) {
            case "default" -> plain;
            case "linear" -> plain / scaling.get("factor").asDouble();
            case "llama3" -> llama3(plain, scaling);
            default -> throw new IllegalArgumentException(scaling.toString());
          };
    }
    return frequencies;
  }

  private static double llama3(double frequency, JsonNode scaling) {
    double factor = scaling.get("factor").asDouble();
    double low = scaling.get("low_freq_factor").asDouble();
    double high = scaling.get("high_freq_factor").asDouble();
    double original = scaling.get("original_max_position_embeddings").asDouble();
    double wavelength = 2 * Math.PI / frequency;
    if (wavelength > original / low) {
      return frequency / factor;
    }
    if (wavelength < original / high) {
      return frequency;
    }
    double smooth = (original / wavelength - low) / (high - low);
    return (1 - smooth) * (frequency / factor) + smooth * frequency;
  }

  private double[][] feedForward(String prefix, double[][] x) {
    double[][] gate = linear(x, prefix + "gate_proj");
    double[][] up = linear(x, prefix + "up_proj");
    for (int t = 0; t < x.length; t++) {
      for (int i = 0; i < gate[t].length; i++) {
        gate[t][i] = gate[t][i] / (1 + Math.exp(-gate[t][i])) * up[t][i];
      }
    }
    return linear(gate, prefix + "down_proj");
  }
}
