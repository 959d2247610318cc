package io.chasqui.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.chat.ChatMessage;
import io.chasqui.chat.ChatTemplate;
import io.chasqui.pack.EmbeddedModel;
import io.chasqui.pack.PackedModel;
import io.chasqui.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Which tokens a system prompt's prefix has. */
class SystemPromptTest {
  private static final String TEXT = "You are a helpful fox. You answer in one sentence.\nBe kind!";
  private static final List<String> QUESTIONS =
      List.of("Hi", "what is 3 + 4?", "7", "\nWhy?", " why", "你好", "🦙", "...", "'s", "<tag>");

  private static final Tokenizer TOKENIZER = tokenizer();

  @TempDir Path directory;

  private static Tokenizer tokenizer() {
    try (PackedModel model = new EmbeddedModel().packed()) {
      return model.tokenizer();
    }
  }

  private static Optional<ChatTemplate> template(String name) throws IOException {
    Path file = Path.of("src/test/resources/chat-templates", name + ".jinja");
    return Optional.of(new ChatTemplate(Files.readString(file), "<s>", "</s>"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"granite3", "llama2", "llama3", "llama3-tools", "phi3", "qwen2.5", "zephyr"})
  void everyConversationWithTheSystemMessageBeginsWithThem(String name) throws IOException {
    Optional<ChatTemplate> template = template(name);
    int[] tokens = new SystemPrompt("file", TEXT).tokens(TOKENIZER, template);

    assertTrue(TOKENIZER.decode(tokens, false).contains(TEXT), TOKENIZER.decode(tokens, false));
    for (String question : QUESTIONS) {
      var conversation = List.of(ChatMessage.system(TEXT), ChatMessage.user(question));
      assertBegins(tokens, Prompts.encode(template.get(), TOKENIZER, conversation));
    }
  }

  @Test
  void withoutATemplateEveryTextBeginsWithThem() {
    int[] tokens = new SystemPrompt("file", TEXT).tokens(TOKENIZER, Optional.empty());

    for (String question : QUESTIONS) {
      assertBegins(tokens, TOKENIZER.encode(TEXT + question, true));
    }
    assertTrue(TOKENIZER.decode(tokens, true).startsWith(TEXT.substring(0, TEXT.length() - 3)));
  }

  private static void assertBegins(int[] tokens, int[] prompt) {
    assertArrayEquals(tokens, Arrays.copyOf(prompt, tokens.length));
  }

  @Test
  void aTemplateWithoutSystemMessagesSaysSo() throws IOException {
    Optional<ChatTemplate> template = template("gemma");

    var refused =
        assertThrows(
            IllegalArgumentException.class,
            () -> new SystemPrompt("fox.txt", TEXT).tokens(TOKENIZER, template));

    assertTrue(refused.getMessage().contains("fox.txt cannot be a system message"));
    assertTrue(refused.getMessage().contains("System role not supported"), refused.getMessage());
  }

  @ParameterizedTest
  @ValueSource(strings = {"one\ntwo", "one\ntwo\n", "one\ntwo\r\n"})
  void theLastLineBreakOfAFileIsNoPartOfTheText(String contents) throws IOException {
    Path file = Files.writeString(directory.resolve("fox.txt"), contents);

    assertEquals(new SystemPrompt(file.toString(), "one\ntwo"), SystemPrompt.read(file));
  }

  @Test
  void otherWhiteSpaceIsPartOfTheText() throws IOException {
    Path file = Files.writeString(directory.resolve("fox.txt"), " one \n\n");

    assertEquals(" one \n", SystemPrompt.read(file).text());
  }

  @Test
  void whatIsNotUtf8IsRefused() throws IOException {
    Path file = Files.write(directory.resolve("fox.txt"), new byte[] {'a', (byte) 0xE4, 'b'});

    var refused = assertThrows(IllegalArgumentException.class, () -> SystemPrompt.read(file));

    assertTrue(refused.getMessage().contains("fox.txt is not text in UTF-8"));
  }
}
