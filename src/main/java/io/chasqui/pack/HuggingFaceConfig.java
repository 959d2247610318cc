package io.chasqui.pack;

import io.chasqui.pack.ModelConfig.Architecture;
import io.chasqui.pack.ModelConfig.RopeScaling;
import java.util.Arrays;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Reads {@code config.json} as Hugging Face's transformers library does for the families of {@link
 * Architecture}: the same defaults, and what is not understood is refused by name.
 */
final class HuggingFaceConfig {
  private final JsonSection config;

  private HuggingFaceConfig(JsonSection config) {
    this.config = config;
  }

  static ModelConfig read(JsonSection config) {
    try {
      return new HuggingFaceConfig(config).read();
    } catch (IllegalArgumentException e) {
      throw config.fail(e);
    }
  }

  private ModelConfig read() {
    Architecture architecture = architecture();
    refuseUnless("hidden_act", "silu");
    refuseUnless("position_embedding_type", "rope");
    if (config.flag("mlp_bias", false)) {
      throw config.get("mlp_bias").fail("a feed-forward network with biases is not supported");
    }
    int hidden = config.integer("hidden_size");
    int heads = config.integer("num_attention_heads");
    if (heads < 1) {
      throw config.get("num_attention_heads").fail("must be positive");
    }
    int headSize = integer("head_dim", hidden / heads);
    boolean bias = architecture == Architecture.QWEN2 || config.flag("attention_bias", false);
    return new ModelConfig(
        architecture,
        config.integer("num_hidden_layers"),
        hidden,
        config.integer("intermediate_size"),
        heads,
        integer("num_key_value_heads", heads),
        headSize,
        config.integer("vocab_size"),
        config.integer("max_position_embeddings"),
        (float) number("rms_norm_eps", 1e-6),
        ropeTheta(),
        ropeScaling(),
        config.flag("tie_word_embeddings", false),
        bias,
        bias && architecture != Architecture.QWEN2,
        (float) granite(architecture, "embedding_multiplier", 1),
        (float) granite(architecture, "attention_multiplier", 1 / Math.sqrt(headSize)),
        (float) granite(architecture, "residual_multiplier", 1),
        (float) granite(architecture, "logits_scaling", 1),
        slidingWindow(architecture));
  }

  private Architecture architecture() {
    JsonSection type = config.get("model_type");
    return Arrays.stream(Architecture.values())
        .filter(architecture -> architecture.modelType().equals(type.text()))
        .findFirst()
        .orElseThrow(() ->
            type.fail(
                "the model family \"%s\" cannot be packed; those that can are %s"
                    .formatted(
                        type.text(),
                        Arrays.stream(Architecture.values())
                            .map(Architecture::modelType)
                            .collect(Collectors.joining(", ")))));
  }

  private void refuseUnless(String field, String only) {
    Optional<JsonSection> value = config.find(field);
    if (value.isPresent() && !value.get().text().equals(only)) {
      throw value
          .get()
          .fail("\"%s\" is not supported, only \"%s\"".formatted(value.get().text(), only));
    }
  }

  private int integer(String field, int ifAbsent) {
    return config.find(field).map(JsonSection::integer).orElse(ifAbsent);
  }

  private double number(String field, double ifAbsent) {
    return config.find(field).map(JsonSection::number).orElse(ifAbsent);
  }

  /** Only Granite looks at its multipliers; without them it is a Llama. */
  private double granite(Architecture architecture, String field, double otherwise) {
    return architecture == Architecture.GRANITE ? number(field, 1) : otherwise;
  }

  /** Newer versions of transformers write both into {@code rope_parameters}. */
  private Optional<JsonSection> ropeParameters() {
    return config.find("rope_scaling").or(() -> config.find("rope_parameters"));
  }

  private double ropeTheta() {
    return config
        .find("rope_theta")
        .or(() -> ropeParameters().flatMap(rope -> rope.find("rope_theta")))
        .map(JsonSection::number)
        .orElse(10_000.0);
  }

  private RopeScaling ropeScaling() {
    if (number("partial_rotary_factor", 1) != 1) {
      throw config.get("partial_rotary_factor").fail("a partial rotary embedding is not supported");
    }
    Optional<JsonSection> parameters = ropeParameters();
    if (parameters.isEmpty()) {
      return new RopeScaling.None();
    }
    JsonSection rope = parameters.get();
    String type =
        rope.find("rope_type").or(() -> rope.find("type")).map(JsonSection::text).orElse("default");
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear((float) rope.number("factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              (float) rope.number("factor"),
              (float) rope.number("low_freq_factor"),
              (float) rope.number("high_freq_factor"),
              rope.integer("original_max_position_embeddings"));
      default -> throw rope.fail("the rope scaling \"" + type + "\" is not supported");
    };
  }

  private OptionalInt slidingWindow(Architecture architecture) {
    Optional<JsonSection> window = config.find("sliding_window");
    if (architecture == Architecture.QWEN2 && config.flag("use_sliding_window", false)) {
      throw config
          .get("use_sliding_window")
          .fail("a sliding window in some of the layers is not supported");
    }
    return architecture == Architecture.MISTRAL && window.isPresent()
        ? OptionalInt.of(window.get().integer())
        : OptionalInt.empty();
  }
}
