package io.chasqui.benchmark.serve;

import io.chasqui.chat.ChatMessage;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * What is asked.
 *
 * @param messages a conversation; empty for a text to go on from
 * @param text to go on from; empty for a conversation
 * @param maxTokens of the answer, if the data says so
 */
public record Prompt(List<ChatMessage> messages, String text, OptionalInt maxTokens) {
  public Prompt {
    messages = List.copyOf(messages);
  }

  static Prompt conversation(List<ChatMessage> messages, OptionalInt maxTokens) {
    return new Prompt(messages, "", maxTokens);
  }

  static Prompt plain(String text, OptionalInt maxTokens) {
    return new Prompt(List.of(), text, maxTokens);
  }

  /** Whether it is a conversation. */
  public boolean isConversation() {
    return !messages.isEmpty();
  }

  /** As a text, for a model without a chat template: its messages, with empty lines between. */
  public Prompt asText() {
    return isConversation()
        ? plain(
            messages.stream().map(ChatMessage::content).collect(Collectors.joining("\n\n")),
            maxTokens)
        : this;
  }
}
