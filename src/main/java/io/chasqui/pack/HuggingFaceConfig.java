package io.chasqui.pack;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.pack.ModelConfig.Architecture;
import io.chasqui.pack.ModelConfig.RopeScaling;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Reads {@code config.json} as Hugging Face's transformers library does for the families of {@link
 * Architecture}: the same defaults, and what is not understood is refused by name. Nothing is
 * passed over: a rule of positions that is left out gives text that looks right.
 */
final class HuggingFaceConfig {
  /** The window of a Mistral whose configuration has no such field; null is none. */
  private static final int MISTRAL_WINDOW = 4096;

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
    refuseTypesOfLayers();
    return new ModelConfig(
        architecture,
        config.integer("num_hidden_layers"),
        hidden,
        config.integer("intermediate_size"),
        heads,
        keyValueHeads(architecture, heads),
        headSize,
        config.integer("vocab_size"),
        config.integer("max_position_embeddings"),
        (float) number("rms_norm_eps", 1e-6),
        ropeTheta(),
        ropeScaling(),
        config.flag("tie_word_embeddings", false),
        architecture == Architecture.QWEN2 || attentionBias(architecture),
        attentionBias(architecture),
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
            type.unknownFamily(
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

  /** Null is as many as heads; where the field is missing, some families have another number. */
  private int keyValueHeads(Architecture architecture, int heads) {
    String field = "num_key_value_heads";
    if (config.node().has(field)) {
      return integer(field, heads);
    }
    return switch (architecture) {
      case LLAMA, GRANITE -> heads;
      case MISTRAL -> 8;
      case QWEN2 -> 32;
    };
  }

  /** Biases in all four projections of the attention; Mistral and Qwen 2 do not look at this. */
  private boolean attentionBias(Architecture architecture) {
    return switch (architecture) {
      case LLAMA, GRANITE -> config.flag("attention_bias", false);
      case MISTRAL, QWEN2 -> false;
    };
  }

  private void refuseTypesOfLayers() {
    for (JsonSection type :
        config.find("layer_types").map(JsonSection::elements).orElse(List.of())) {
      if (!type.text().equals("full_attention")) {
        throw type.fail("layers of type \"%s\" are not supported".formatted(type.text()));
      }
    }
  }

  /** Only Granite looks at its multipliers, which are 1 where they are missing. */
  private double granite(Architecture architecture, String field, double otherwise) {
    return architecture == Architecture.GRANITE ? number(field, 1) : otherwise;
  }

  /** What versions of transformers before 5 call {@code rope_scaling}. */
  private Optional<JsonSection> ropeParameters() {
    return config.find("rope_scaling").or(() -> config.find("rope_parameters"));
  }

  /** Versions from 5 write it into {@code rope_parameters}, those before beside them. */
  private Optional<JsonSection> ropeParameter(String field) {
    return ropeParameters().flatMap(rope -> rope.find(field)).or(() -> config.find(field));
  }

  private double ropeTheta() {
    return ropeParameter("rope_theta").map(JsonSection::number).orElse(10_000.0);
  }

  private RopeScaling ropeScaling() {
    Optional<JsonSection> part = ropeParameter("partial_rotary_factor");
    if (part.isPresent() && part.get().number() != 1) {
      throw part.get().fail("a partial rotary embedding is not supported");
    }
    Optional<JsonSection> parameters = ropeParameters();
    if (parameters.isEmpty()) {
      return new RopeScaling.None();
    }
    JsonSection rope = parameters.get();
    if (rope.node().valueStream().anyMatch(JsonNode::isObject)) {
      throw rope.fail("rotary embeddings that differ by the type of layer are not supported");
    }
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
    if (architecture == Architecture.QWEN2 && config.flag("use_sliding_window", false)) {
      throw config
          .get("use_sliding_window")
          .fail("a sliding window in some of the layers is not supported");
    }
    if (architecture != Architecture.MISTRAL) {
      return OptionalInt.empty();
    }
    String field = "sliding_window";
    if (!config.node().has(field)) {
      return OptionalInt.of(MISTRAL_WINDOW);
    }
    return config.find(field).stream().mapToInt(JsonSection::integer).findFirst();
  }
}
