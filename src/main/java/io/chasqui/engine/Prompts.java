package io.chasqui.engine;

import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.pack.ModelSettings;
import io.chasqui.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;

/** How conversations become the tokens of a prompt. */
final class Prompts {
  private Prompts() {}

  /** How a model wants a conversation written; empty for a model without a chat format. */
  static Optional<ChatTemplate> template(ModelSettings settings) {
    return settings
        .chatTemplate()
        .map(source -> new ChatTemplate(source, settings.bosToken(), settings.eosToken()));
  }

  /**
   * The prompt that asks for the next turn of a conversation.
   *
   * @throws IllegalArgumentException if the template refuses the conversation
   */
  static int[] encode(ChatTemplate template, Tokenizer tokenizer, List<ChatMessage> conversation) {
    String text = template.render(conversation);
    // Templates of some families write the beginning-of-text token themselves.
    boolean begun = !template.bosToken().isEmpty() && text.startsWith(template.bosToken());
    return tokenizer.encode(text, !begun);
  }
}
