package io.chasqui.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.tjake.jlama.model.AbstractModel;
import com.github.tjake.jlama.model.ModelSupport.ModelType;
import com.github.tjake.jlama.safetensors.Config;
import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import com.github.tjake.jlama.safetensors.WeightLoader;
import com.github.tjake.jlama.safetensors.tokenizer.Tokenizer;
import com.github.tjake.jlama.tensor.AbstractTensor;
import com.github.tjake.jlama.tensor.KvBufferCache;
import com.github.tjake.jlama.util.JsonSupport;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/** Jlama's forward pass in float32. */
final class JlamaLogits {
  private JlamaLogits() {}

  /**
   * The logits after each of the tokens.
   *
   * @param model a directory in Hugging Face's layout
   */
  static float[][] of(Path model, int[] tokens) throws Exception {
    // Its native kernels are wrong for small models: see JlamaDecoder.
    System.setProperty("jlama.force_panama_tensor_operations", "true");
    ObjectNode json = (ObjectNode) JsonSupport.om.readTree(model.resolve("config.json").toFile());
    // Jlama has no defaults for these, or wrong ones.
    int heads = json.get("num_attention_heads").intValue();
    json.put("num_key_value_heads", json.path("num_key_value_heads").asInt(heads))
        .put("rms_norm_eps", json.path("rms_norm_eps").asDouble(1e-6))
        .put("hidden_act", "silu");
    ModelType type = ModelType.valueOf(json.get("model_type").textValue().toUpperCase(Locale.ROOT));
    Config config = JsonSupport.om.treeToValue(json, type.configClass);
    float[][] rows = new float[tokens.length][config.vocabularySize];
    try (AbstractModel jlama =
            type.modelClass
                .getConstructor(
                    Config.class,
                    WeightLoader.class,
                    Tokenizer.class,
                    DType.class,
                    DType.class,
                    Optional.class)
                .newInstance(
                    config, weights(model), null, DType.F32, DType.F32, Optional.of(DType.F32));
        KvBufferCache.KvBuffer kv = new KvBufferCache(jlama).getEphemeralKvBuffer();
        AbstractTensor logits = jlama.makeDenseTensor(1, config.vocabularySize)) {
      for (int i = 0; i < tokens.length; i++) {
        try (AbstractTensor hidden = jlama.batchForward(new int[] {tokens[i]}, i, kv)) {
          jlama.sample(hidden.slice(0), 0, 0, logits);
        }
        logits
            .getMemorySegment()
            .asByteBuffer()
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer()
            .get(rows[i]);
      }
    }
    return rows;
  }

  private static WeightLoader weights(Path model) throws Exception {
    byte[] file = Files.readAllBytes(model.resolve("model.safetensors"));
    ByteBuffer direct = ByteBuffer.allocateDirect(file.length).order(ByteOrder.LITTLE_ENDIAN);
    return SafeTensorSupport.readWeights(direct.put(file).flip());
  }
}
