package io.chasqui.pack;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What a model's JSON files say beside its tokenizer: {@code config.json}, {@code
 * generation_config.json} and {@code tokenizer_config.json} in Hugging Face's layout.
 *
 * @param architecture {@code model_type}
 * @param contextLength {@code max_position_embeddings}
 * @param vocabularySize {@code vocab_size}: the rows of the output matrix
 * @param eosTokenIds ids that end a turn, from both configurations
 * @param chatTemplate the Jinja source of the default chat template
 * @param bosToken the text of the token that begins a text, or an empty string
 * @param eosToken the text of the token that ends a text, or an empty string
 * @param temperature recommended, if the model says so
 * @param topK recommended, if the model says so
 * @param topP recommended, if the model says so
 */
public record ModelSettings(
    String architecture,
    int contextLength,
    int vocabularySize,
    Set<Integer> eosTokenIds,
    Optional<String> chatTemplate,
    String bosToken,
    String eosToken,
    OptionalDouble temperature,
    OptionalInt topK,
    OptionalDouble topP) {

  /**
   * Reads and checks them.
   *
   * @throws ModelFormatException if {@code config.json} is missing, or a file is malformed
   */
  public static ModelSettings read(ModelFiles files) {
    JsonSection config = JsonSection.parse("config.json", files.require("config.json"));
    JsonSection generation = optional(files, "generation_config.json");
    JsonSection tokenizer = optional(files, "tokenizer_config.json");
    int vocabularySize = positive(config, "vocab_size");
    Set<Integer> eos = new HashSet<>();
    config.find("eos_token_id").ifPresent(ids -> addTokenIds(eos, ids, vocabularySize));
    generation.find("eos_token_id").ifPresent(ids -> addTokenIds(eos, ids, vocabularySize));
    // do_sample false means greedy, whatever the other values are.
    boolean samples = generation.flag("do_sample", true);
    return new ModelSettings(
        config.text("model_type"),
        positive(config, "max_position_embeddings"),
        vocabularySize,
        Set.copyOf(eos),
        chatTemplate(files, tokenizer),
        tokenText(tokenizer, "bos_token"),
        tokenText(tokenizer, "eos_token"),
        samples ? decimal(generation, "temperature") : OptionalDouble.of(0),
        generation
            .find("top_k")
            .map(topK -> OptionalInt.of(topK.integer()))
            .orElse(OptionalInt.empty()),
        decimal(generation, "top_p"));
  }

  private static JsonSection optional(ModelFiles files, String file) {
    byte[] nothing = {'{', '}'};
    return JsonSection.parse(file, files.read(file).orElse(nothing));
  }

  private static int positive(JsonSection config, String field) {
    JsonSection value = config.get(field);
    if (value.integer() < 1) {
      throw value.fail("must be positive");
    }
    return value.integer();
  }

  private static void addTokenIds(Set<Integer> ids, JsonSection value, int vocabularySize) {
    if (value.node().isArray()) {
      value.elements().forEach(each -> addTokenIds(ids, each, vocabularySize));
      return;
    }
    int id = value.integer();
    if (id < 0 || id >= vocabularySize) {
      throw value.fail("must be a token id below " + vocabularySize + ", but is " + id);
    }
    ids.add(id);
  }

  private static Optional<String> chatTemplate(ModelFiles files, JsonSection tokenizer) {
    // Newer repositories keep the template in a file of its own, which wins.
    Optional<String> own =
        files.read("chat_template.jinja").map(bytes -> new String(bytes, StandardCharsets.UTF_8));
    return own.or(() -> tokenizer.find("chat_template").flatMap(ModelSettings::defaultTemplate));
  }

  /** One template, or several of which one is called default. */
  private static Optional<String> defaultTemplate(JsonSection template) {
    if (!template.node().isArray()) {
      return Optional.of(template.text());
    }
    return template.elements().stream()
        .filter(named -> named.text("name").equals("default"))
        .map(named -> named.text("template"))
        .findFirst();
  }

  /** A special token is written as its text, or as an object with its text as "content". */
  private static String tokenText(JsonSection tokenizer, String field) {
    return tokenizer
        .find(field)
        .map(token -> token.node().isObject() ? token.text("content") : token.text())
        .orElse("");
  }

  private static OptionalDouble decimal(JsonSection section, String field) {
    Optional<JsonSection> value = section.find(field);
    if (value.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (!value.get().node().isNumber()) {
      throw value.get().fail("must be a number");
    }
    return OptionalDouble.of(value.get().node().doubleValue());
  }
}
