package io.chasqui.pack;

import io.chasqui.tokenizer.Printable;
import java.util.Optional;

/**
 * Names of models, which come from directories and from packed files, and go into lines of logs and
 * into answers.
 */
final class ModelNames {
  /** Every chunk of a stream has the name in it. */
  private static final int MAX_LENGTH = 1000;

  private ModelNames() {}

  /** Why a text cannot be a model's name; empty if it can. */
  static Optional<String> fault(String name) {
    if (name.isBlank()) {
      return Optional.of("a model's name must not be blank");
    }
    if (name.length() > MAX_LENGTH) {
      return Optional.of(
          "a model's name must have at most %d characters, not %d"
              .formatted(MAX_LENGTH, name.length()));
    }
    return name.codePoints().allMatch(Printable::is)
        ? Optional.empty()
        : Optional.of(
            "a model's name must not have control characters or line breaks: "
                + Printable.of(name));
  }
}
