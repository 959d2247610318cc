package io.chasqui.pack;

import io.chasqui.kernel.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a model's packed file holds, by bytes. That of a model that is not packed is computed from
 * its shape.
 *
 * @param quantization what matrices are stored as
 * @param weights bytes of the section of weights
 * @param tokenizer bytes of the tokenizer's tables
 * @param prefixes bytes of the prompts that are packed with the model
 */
public record PackedSizes(
    ModelConfig config, DType quantization, long weights, long tokenizer, long prefixes) {

  /**
   * Of a model that is not packed, as the type that it would be packed as: 8 bits if its weights
   * are not there.
   *
   * @throws UnknownFamilyException if our own decoder does not know the model's family
   * @throws ModelFormatException if the model is malformed
   */
  public static PackedSizes of(ModelFiles model) throws IOException {
    return of(model, hasWeights(model) ? ModelPacker.defaultQuantization(model) : DType.Q8);
  }

  private static boolean hasWeights(ModelFiles model) {
    return switch (model) {
      case EmbeddedModel _ -> true;
      case ModelDirectory(String _, Path directory) ->
          SafetensorsFiles.names(directory).stream()
              .allMatch(file -> Files.isRegularFile(directory.resolve(file)));
    };
  }

  /**
   * Of a model that is not packed; its weights are not read.
   *
   * @throws UnknownFamilyException if our own decoder does not know the model's family
   * @throws ModelFormatException if its configuration or its tokenizer is malformed
   */
  public static PackedSizes of(ModelFiles model, DType quantization) {
    ModelConfig config = ModelConfig.read(model);
    long tokenizer = ModelPacker.tokenizer(model, config).length;
    return new PackedSizes(config, quantization, weights(config, quantization), tokenizer, 0);
  }

  /** Of the same model packed as another type. */
  public PackedSizes as(DType other) {
    return new PackedSizes(config, other, weights(config, other), tokenizer, prefixes);
  }

  /** Numbers that the model has learned, those of biases and norms included. */
  public long parameters() {
    return TensorPlan.of(config).items().stream().mapToLong(TensorPlan.Item::parameters).sum();
  }

  private static long weights(ModelConfig config, DType quantization) {
    return PackHeader.layOut(TensorPlan.of(config), item -> item.dtype(quantization))
        .getLast()
        .end();
  }
}
