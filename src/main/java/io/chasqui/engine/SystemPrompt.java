package io.chasqui.engine;

import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The text that many prompts begin with: of a model with a chat template the system message of a
 * conversation, of another model the beginning of a plain text.
 *
 * @param name what to call it in an error
 */
public record SystemPrompt(String name, String text) {
  /**
   * What a user may go on with. Where a tokenizer draws the border between a text and what follows
   * depends on both; these differ in all that matters to it.
   */
  private static final List<String> ENDS = List.of("Hello", " and", "1", "\n\n?");

  /**
   * Reads a text file. The line break that ends its last line is no part of the text.
   *
   * @throws IllegalArgumentException if it is not UTF-8
   */
  public static SystemPrompt read(Path file) throws IOException {
    try {
      return new SystemPrompt(file.toString(), Files.readString(file).replaceFirst("\\R\\z", ""));
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          "The prompt in %s is not text in UTF-8: convert it.".formatted(file), e);
    }
  }

  /**
   * The tokens that all prompts of the text have in common.
   *
   * @throws IllegalArgumentException if the template refuses a system message
   */
  int[] tokens(Tokenizer tokenizer, Optional<ChatTemplate> template) {
    List<int[]> prompts = ENDS.stream().map(end -> prompt(end, tokenizer, template)).toList();
    int[] first = prompts.getFirst();
    int common =
        prompts.stream()
            .skip(1)
            .mapToInt(prompt -> Arrays.mismatch(first, prompt))
            .map(border -> border < 0 ? first.length : border) // a template may leave users out
            .min()
            .orElseThrow();
    return Arrays.copyOf(first, common);
  }

  private int[] prompt(String end, Tokenizer tokenizer, Optional<ChatTemplate> template) {
    if (template.isEmpty()) {
      return tokenizer.encode(text + end, true);
    }
    List<ChatMessage> conversation = List.of(ChatMessage.system(text), ChatMessage.user(end));
    try {
      return Prompts.encode(template.get(), tokenizer, conversation);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "The prompt in %s cannot be a system message. %s".formatted(name, e.getMessage()), e);
    }
  }
}
