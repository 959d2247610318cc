package io.chasqui.benchmark.serve;

import io.chasqui.chat.ChatTemplate;
import io.chasqui.pack.ModelSettings;
import io.chasqui.pack.PackedModel;
import io.chasqui.tokenizer.Tokenizer;
import java.util.List;
import java.util.Optional;

/** The tokens of prompts of a packed model, as a server that has it computes them. */
final class PackedTokens {
  private static final long WARM_UP_NANOS = 2_000_000_000L;
  private static final double MILLI = 1e6;

  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;

  PackedTokens(PackedModel model) {
    tokenizer = model.tokenizer();
    ModelSettings settings = model.settings();
    template =
        settings
            .chatTemplate()
            .map(source -> new ChatTemplate(source, settings.bosToken(), settings.eosToken()));
  }

  /** Whether the model takes conversations. */
  boolean hasTemplate() {
    return template.isPresent();
  }

  /**
   * The tokens.
   *
   * @throws IllegalArgumentException if it is a conversation that the model does not take
   */
  int[] of(Prompt prompt) {
    if (!prompt.isConversation()) {
      return tokenizer.encode(prompt.text(), true);
    }
    ChatTemplate chat =
        template.orElseThrow(() -> new IllegalArgumentException("the model has no chat template"));
    String text = chat.render(prompt.messages());
    // Templates of some families write the beginning-of-text token themselves.
    boolean begun = !chat.bosToken().isEmpty() && text.startsWith(chat.bosToken());
    return tokenizer.encode(text, !begun);
  }

  /**
   * What a prompt takes on average, template and all: of the last of the passes over all prompts
   * that begin within two seconds, in which compilers see most of it.
   */
  double meanMillis(List<Prompt> prompts) {
    long end = System.nanoTime() + WARM_UP_NANOS;
    long begin;
    long now;
    do {
      begin = System.nanoTime();
      prompts.forEach(this::of);
      now = System.nanoTime();
    } while (now < end);
    return (now - begin) / MILLI / prompts.size();
  }
}
