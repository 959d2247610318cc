package io.chasqui.pack;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.chasqui.kernel.DType;
import io.chasqui.kernel.KvLayout;
import io.chasqui.pack.ModelConfig.Architecture;
import io.chasqui.pack.ModelConfig.RopeScaling;
import io.chasqui.pack.TensorPlan.Item;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;

/**
 * The JSON header of a packed model file. One that has been read is sound: its sections fill the
 * file, its tensors are those that its configuration needs and fill the section of weights, and its
 * prefixes fill the section of prefixes, which is there if they are.
 *
 * @param name the model's
 * @param quantization what the matrices were asked to be stored as
 * @param configJson the text of {@code config.json} that the configuration was read from
 */
record PackHeader(
    String name,
    DType quantization,
    ModelConfig config,
    String configJson,
    ModelSettings settings,
    List<Section> sections,
    List<Tensor> tensors,
    List<Prefix> prefixes) {

  /** The first eight bytes of a packed model file: {@code CHASQUI} and a zero. */
  static final long MAGIC = 0x0049_5551_5341_4843L;

  /**
   * The version of the format that is written and read. What is packed by another one is packed
   * again, so whatever changes the bytes that a model is packed to changes this. These are also the
   * KV blocks of prefixes: their layout, and all that decides the bits that a decoder computes.
   */
  static final int VERSION = 1;

  /** Magic, version, length of the JSON, SHA-256 of the JSON. */
  static final int PREFIX_BYTES = 8 + 4 + 4 + 32;

  static final int MAX_JSON_BYTES = 64 << 20;

  /** Sections begin at multiples of this: a page of memory. */
  static final int SECTION_ALIGNMENT = 4096;

  /** Tensors begin at multiples of this in their section: a cache line. */
  static final int TENSOR_ALIGNMENT = 64;

  static final String TOKENIZER = "tokenizer";
  static final String WEIGHTS = "weights";
  static final String PREFIXES = "prefixes";

  /** The last of them is there if there are prefixes. */
  private static final List<String> SECTIONS = List.of(TOKENIZER, WEIGHTS, PREFIXES);

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * A part of the file.
   *
   * @param offset from the start of the file
   * @param sha256 of its bytes, in hexadecimal
   */
  record Section(String name, long offset, long length, String sha256) {
    long end() {
      return offset + length;
    }
  }

  /**
   * A tensor in the section of weights.
   *
   * @param offset from the start of the section
   */
  record Tensor(Item item, DType dtype, long offset) {
    long length() {
      return item.bytes(dtype);
    }

    long end() {
      return offset + length();
    }
  }

  /**
   * A prefix in the section of prefixes.
   *
   * @param tokens ids within the vocabulary, a multiple of 16 of them
   * @param offset from the start of the section
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared, and nobody writes to it
  record Prefix(int[] tokens, KvLayout.Type type, long offset, long length) {
    long end() {
      return offset + length;
    }
  }

  static long align(long offset, int alignment) {
    return (offset + alignment - 1) / alignment * alignment;
  }

  Section section(String section) {
    return sections.get(SECTIONS.indexOf(section));
  }

  /** The tensors of a model, one after another. */
  static List<Tensor> layOut(TensorPlan plan, Function<Item, DType> dtypes) {
    var tensors = new ArrayList<Tensor>();
    long offset = 0;
    for (Item item : plan.items()) {
      var tensor = new Tensor(item, dtypes.apply(item), offset);
      tensors.add(tensor);
      offset = align(tensor.end(), TENSOR_ALIGNMENT);
    }
    return List.copyOf(tensors);
  }

  PackHeader withSections(List<Section> sections) {
    return new PackHeader(
        name, quantization, config, configJson, settings, sections, tensors, prefixes);
  }

  /** With prefixes that lie one after another, in place of those that it has. */
  PackHeader withPrefixes(List<PackedPrefix> packed) {
    var prefixes = new ArrayList<Prefix>();
    long offset = 0;
    for (PackedPrefix prefix : packed) {
      prefixes.add(new Prefix(prefix.tokens(), prefix.type(), offset, prefix.blocks().byteSize()));
      offset = prefixes.getLast().end();
    }
    return new PackHeader(
        name, quantization, config, configJson, settings, sections, tensors, prefixes);
  }

  byte[] toJson() {
    ObjectNode root = JSON.createObjectNode();
    root.put("name", name);
    root.put("quantization", quantization.name());
    writeConfig(root.putObject("model"));
    root.put("config", configJson);
    writeSettings(root.putObject("settings"));
    ArrayNode sectionNodes = root.putArray("sections");
    for (Section section : sections) {
      sectionNodes
          .addObject()
          .put("name", section.name())
          .put("offset", section.offset())
          .put("length", section.length())
          .put("sha256", section.sha256());
    }
    ArrayNode tensorNodes = root.putArray("tensors");
    for (Tensor tensor : tensors) {
      ObjectNode node =
          tensorNodes
              .addObject()
              .put("name", tensor.item().name())
              .put("dtype", tensor.dtype().name());
      ArrayNode shape = node.putArray("shape").add(tensor.item().rows());
      if (!tensor.item().isVector()) {
        shape.add(tensor.item().columns());
      }
      node.put("section", WEIGHTS).put("offset", tensor.offset()).put("length", tensor.length());
    }
    if (!prefixes.isEmpty()) {
      writePrefixes(root.putArray(PREFIXES));
    }
    try {
      return JSON.writeValueAsBytes(root);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree of JSON that cannot be written", e);
    }
  }

  private void writeConfig(ObjectNode node) {
    node.put("architecture", config.architecture().modelType());
    node.put("layers", config.layers());
    node.put("hidden", config.hidden());
    node.put("feed_forward", config.feedForward());
    node.put("heads", config.heads());
    node.put("kv_heads", config.kvHeads());
    node.put("head_size", config.headSize());
    node.put("vocabulary", config.vocabulary());
    node.put("context", config.context());
    node.put("rms_norm_eps", config.rmsNormEps());
    node.put("rope_theta", config.ropeTheta());
    ObjectNode rope = node.putObject("rope_scaling");
    switch (config.ropeScaling()) {
      case RopeScaling.None() -> rope.put("type", "none");
      case RopeScaling.Linear(float factor) -> rope.put("type", "linear").put("factor", factor);
      case RopeScaling.Llama3(float factor, float low, float high, int originalContext) ->
          rope.put("type", "llama3")
              .put("factor", factor)
              .put("low_freq_factor", low)
              .put("high_freq_factor", high)
              .put("original_context", originalContext);
    }
    node.put("tied_embeddings", config.tiedEmbeddings());
    node.put("attention_bias", config.attentionBias());
    node.put("attention_output_bias", config.attentionOutputBias());
    node.put("embedding_multiplier", config.embeddingMultiplier());
    node.put("attention_multiplier", config.attentionMultiplier());
    node.put("residual_multiplier", config.residualMultiplier());
    node.put("logits_scaling", config.logitsScaling());
    config.slidingWindow().ifPresent(window -> node.put("sliding_window", window));
  }

  private void writeSettings(ObjectNode node) {
    ArrayNode eos = node.putArray("eos_token_ids");
    settings.eosTokenIds().stream().sorted().forEach(eos::add);
    settings.chatTemplate().ifPresent(template -> node.put("chat_template", template));
    node.put("bos_token", settings.bosToken());
    node.put("eos_token", settings.eosToken());
    settings.temperature().ifPresent(value -> node.put("temperature", value));
    settings.topK().ifPresent(value -> node.put("top_k", value));
    settings.topP().ifPresent(value -> node.put("top_p", value));
  }

  private void writePrefixes(ArrayNode nodes) {
    for (Prefix prefix : prefixes) {
      ObjectNode node = nodes.addObject();
      ArrayNode tokens = node.putArray("tokens");
      for (int token : prefix.tokens()) {
        tokens.add(token);
      }
      node.put("kv", prefix.type().name())
          .put("offset", prefix.offset())
          .put("length", prefix.length());
    }
  }

  /**
   * Reads and checks a header.
   *
   * @param file its name, for error messages
   * @param begin where the sections begin
   * @param fileLength where they must end
   * @throws ModelFormatException if a rule is broken
   */
  static PackHeader parse(String file, byte[] json, long begin, long fileLength) {
    JsonSection root = JsonSection.parse(file, json);
    ModelConfig config = readConfig(root.get("model"));
    List<Section> sections = readSections(root.get("sections"), begin, fileLength);
    return new PackHeader(
        readName(root.get("name")),
        dtype(root.get("quantization")),
        config,
        root.text("config"),
        readSettings(root.get("settings"), config),
        sections,
        readTensors(root.get("tensors"), config, sections.get(SECTIONS.indexOf(WEIGHTS)).length()),
        readPrefixes(root, config, sections));
  }

  private static String readName(JsonSection name) {
    ModelNames.fault(name.text())
        .ifPresent(fault -> {
          throw name.fail(fault + "; pack the model again");
        });
    return name.text();
  }

  private static DType dtype(JsonSection name) {
    for (DType dtype : DType.values()) {
      if (dtype.name().equals(name.text())) {
        return dtype;
      }
    }
    throw name.fail("there is no type \"" + name.text() + "\"");
  }

  private static ModelConfig readConfig(JsonSection model) {
    try {
      return new ModelConfig(
          architecture(model.get("architecture")),
          model.integer("layers"),
          model.integer("hidden"),
          model.integer("feed_forward"),
          model.integer("heads"),
          model.integer("kv_heads"),
          model.integer("head_size"),
          model.integer("vocabulary"),
          model.integer("context"),
          (float) model.number("rms_norm_eps"),
          model.number("rope_theta"),
          readRopeScaling(model.get("rope_scaling")),
          requiredFlag(model, "tied_embeddings"),
          requiredFlag(model, "attention_bias"),
          requiredFlag(model, "attention_output_bias"),
          (float) model.number("embedding_multiplier"),
          (float) model.number("attention_multiplier"),
          (float) model.number("residual_multiplier"),
          (float) model.number("logits_scaling"),
          model
              .find("sliding_window")
              .map(window -> OptionalInt.of(window.integer()))
              .orElse(OptionalInt.empty()));
    } catch (IllegalArgumentException e) {
      throw model.fail(e);
    }
  }

  private static boolean requiredFlag(JsonSection model, String field) {
    // With a default, a field that is missing would change the model without a word.
    model.get(field);
    return model.flag(field, false);
  }

  private static Architecture architecture(JsonSection name) {
    for (Architecture architecture : Architecture.values()) {
      if (architecture.modelType().equals(name.text())) {
        return architecture;
      }
    }
    throw name.fail(
        "the model family \"" + name.text() + "\" is unknown; a newer version may know it");
  }

  private static RopeScaling readRopeScaling(JsonSection rope) {
    return switch (rope.text("type")) {
      case "none" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear((float) rope.number("factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              (float) rope.number("factor"),
              (float) rope.number("low_freq_factor"),
              (float) rope.number("high_freq_factor"),
              rope.integer("original_context"));
      default -> throw rope.fail("the rope scaling \"" + rope.text("type") + "\" is unknown");
    };
  }

  private static ModelSettings readSettings(JsonSection settings, ModelConfig config) {
    Set<Integer> eos = new HashSet<>();
    for (JsonSection id : settings.get("eos_token_ids").elements()) {
      if (id.integer() < 0 || id.integer() >= config.vocabulary()) {
        throw id.fail("must be a token id below " + config.vocabulary());
      }
      eos.add(id.integer());
    }
    return new ModelSettings(
        config.architecture().modelType(),
        config.context(),
        config.vocabulary(),
        Set.copyOf(eos),
        settings.find("chat_template").map(JsonSection::text),
        settings.text("bos_token"),
        settings.text("eos_token"),
        decimal(settings.find("temperature")),
        settings
            .find("top_k")
            .map(topK -> OptionalInt.of(topK.integer()))
            .orElse(OptionalInt.empty()),
        decimal(settings.find("top_p")));
  }

  private static OptionalDouble decimal(Optional<JsonSection> value) {
    return value.map(number -> OptionalDouble.of(number.number())).orElse(OptionalDouble.empty());
  }

  /** The sections in their order, each at the first multiple of a page after the one before. */
  private static List<Section> readSections(JsonSection list, long begin, long fileLength) {
    List<JsonSection> elements = list.elements();
    if (elements.size() != SECTIONS.size() && elements.size() != SECTIONS.size() - 1) {
      throw list.fail("must be the sections " + SECTIONS + ", the last of which may be missing");
    }
    var sections = new ArrayList<Section>();
    long end = begin;
    for (int i = 0; i < elements.size(); i++) {
      JsonSection element = elements.get(i);
      var section =
          new Section(
              element.text("name"),
              element.longInteger("offset"),
              element.longInteger("length"),
              element.text("sha256"));
      require(element, section.name().equals(SECTIONS.get(i)), "must be " + SECTIONS.get(i));
      require(element, section.sha256().matches("[0-9a-f]{64}"), "has no SHA-256");
      long expected = align(end, SECTION_ALIGNMENT);
      require(element, section.offset() == expected, "must begin at byte " + expected);
      require(
          element,
          section.length() > 0 && section.length() <= fileLength - expected,
          "has %d bytes, but the file has %d; it is incomplete, copy it again"
              .formatted(section.length(), fileLength));
      sections.add(section);
      end = section.end();
    }
    require(list, end == fileLength, "end at byte %d of %d".formatted(end, fileLength));
    return List.copyOf(sections);
  }

  /** The tensors that the configuration needs, in that order, without a hole or a rest. */
  private static List<Tensor> readTensors(JsonSection list, ModelConfig config, long sectionBytes) {
    List<Item> plan = TensorPlan.of(config).items();
    List<JsonSection> elements = list.elements();
    require(
        list,
        elements.size() == plan.size(),
        "are %d, but the model needs %d".formatted(elements.size(), plan.size()));
    var tensors = new ArrayList<Tensor>();
    long end = 0;
    for (int i = 0; i < plan.size(); i++) {
      JsonSection element = elements.get(i);
      Tensor tensor = readTensor(element, plan.get(i), align(end, TENSOR_ALIGNMENT));
      require(
          element,
          tensor.length() <= sectionBytes - tensor.offset(),
          "ends after its section, which has %d bytes".formatted(sectionBytes));
      tensors.add(tensor);
      end = tensor.end();
    }
    require(list, end == sectionBytes, "end at byte %d of %d of it".formatted(end, sectionBytes));
    return List.copyOf(tensors);
  }

  private static Tensor readTensor(JsonSection element, Item item, long offset) {
    DType dtype = dtype(element.get("dtype"));
    require(element, element.text("name").equals(item.name()), "must be " + item.name());
    require(element, element.text("section").equals(WEIGHTS), "must be among the weights");
    require(element, dtype == item.dtype(dtype), "a vector must be F32");
    List<Integer> shape =
        element.get("shape").elements().stream().map(JsonSection::integer).toList();
    List<Integer> expected =
        item.isVector() ? List.of(item.rows()) : List.of(item.rows(), item.columns());
    require(element, shape.equals(expected), "must have the shape " + expected + ", not " + shape);
    var tensor = new Tensor(item, dtype, offset);
    require(element, element.longInteger("offset") == offset, "must begin at byte " + offset);
    require(
        element,
        element.longInteger("length") == tensor.length(),
        "must have %d bytes".formatted(tensor.length()));
    return tensor;
  }

  /** The prefixes, which fill their section in their order. */
  private static List<Prefix> readPrefixes(
      JsonSection root, ModelConfig config, List<Section> sections) {
    List<JsonSection> elements = root.find(PREFIXES).map(JsonSection::elements).orElse(List.of());
    boolean stored = sections.size() == SECTIONS.size();
    require(root, stored != elements.isEmpty(), "prefixes and their section need each other");
    long sectionBytes = stored ? sections.getLast().length() : 0;
    var prefixes = new ArrayList<Prefix>();
    long end = 0;
    for (JsonSection element : elements) {
      Prefix prefix = readPrefix(element, config, end);
      require(
          element,
          prefix.length() <= sectionBytes - end,
          "ends after its section, which has %d bytes".formatted(sectionBytes));
      prefixes.add(prefix);
      end = prefix.end();
    }
    require(
        root,
        end == sectionBytes,
        "the prefixes end at byte %d of %d of their section".formatted(end, sectionBytes));
    return List.copyOf(prefixes);
  }

  private static Prefix readPrefix(JsonSection element, ModelConfig config, long offset) {
    JsonSection list = element.get("tokens");
    int[] tokens = list.integers();
    require(
        list,
        tokens.length > 0
            && tokens.length % KvLayout.BLOCK_POSITIONS == 0
            && tokens.length <= config.context(),
        "must be a multiple of %d tokens, at most %d, not %d"
            .formatted(KvLayout.BLOCK_POSITIONS, config.context(), tokens.length));
    for (int token : tokens) {
      require(
          list,
          token >= 0 && token < config.vocabulary(),
          "%d is no token id below %d".formatted(token, config.vocabulary()));
    }
    KvLayout.Type type = kvType(element.get("kv"));
    long length =
        (long) KvLayout.blocks(tokens.length)
            * config.layers()
            * config.kvLayout(type).blockBytes();
    require(element, element.longInteger("offset") == offset, "must begin at byte " + offset);
    require(
        element, element.longInteger("length") == length, "must have %d bytes".formatted(length));
    return new Prefix(tokens, type, offset, length);
  }

  private static KvLayout.Type kvType(JsonSection name) {
    for (KvLayout.Type type : KvLayout.Type.values()) {
      if (type.name().equals(name.text())) {
        return type;
      }
    }
    throw name.fail("there is no type \"" + name.text() + "\" of keys and values");
  }

  private static void require(JsonSection place, boolean condition, String otherwise) {
    if (!condition) {
      throw place.fail(otherwise);
    }
  }
}
