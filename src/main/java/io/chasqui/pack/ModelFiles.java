package io.chasqui.pack;

import java.util.Optional;

/**
 * The files of one model in Hugging Face's layout: {@code config.json}, {@code tokenizer.json},
 * {@code tokenizer_config.json}, {@code generation_config.json}, {@code chat_template.jinja} and
 * the weights as safetensors. They lie in a directory, or in the program itself.
 */
public sealed interface ModelFiles permits ModelDirectory, EmbeddedModel {

  /** The name to show and to serve the model under. */
  String name();

  /**
   * Reads a small file (not the weights) whole.
   *
   * @param file a plain file name
   * @return its bytes, or nothing when the model has no such file
   * @throws IllegalArgumentException when {@code file} is not a plain name
   * @throws ModelFormatException when the file is there and cannot be read
   */
  Optional<byte[]> read(String file);

  /**
   * Reads a small file that the model must have.
   *
   * @throws ModelFormatException when it is missing or cannot be read
   */
  default byte[] require(String file) {
    return read(file)
        .orElseThrow(() ->
            new ModelFormatException(file, "", "the model " + name() + " does not have this file"));
  }
}
