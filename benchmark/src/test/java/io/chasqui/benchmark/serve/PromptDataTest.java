package io.chasqui.benchmark.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.chasqui.chat.ChatMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PromptDataTest {
  private static final String SHARE_GPT =
      """
      {"conversations": [{"from": "human", "value": "Why?"}, {"from": "gpt", "value": "Because."}]}
      """
          .strip();
  private static final String BEGINS_WITH_AN_ANSWER =
      """
      {"id": 7, "conversations": [{"from": "gpt", "value": "Because."}]}
      """
          .strip();

  @TempDir Path directory;

  private PromptData read(String text) throws IOException {
    return PromptData.read(Files.writeString(directory.resolve("data.jsonl"), text));
  }

  @Test
  void aLineIsAConversationOrAText() throws IOException {
    PromptData data =
        read(
            """
            {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}], "max_tokens": 9}

            {"prompt": "Once upon"}
            """);

    assertEquals(
        List.of(
            Prompt.conversation(
                List.of(ChatMessage.system("Be brief."), ChatMessage.user("Why?")),
                OptionalInt.of(9)),
            Prompt.plain("Once upon", OptionalInt.empty())),
        data.prompts());
  }

  @Test
  void shareGptAsksTheFirstQuestionAndItsAnswerGivesTheLength() throws IOException {
    Prompt expected = Prompt.conversation(List.of(ChatMessage.user("Why?")), OptionalInt.of(2));

    PromptData array = read("\n [" + SHARE_GPT + ",\n" + BEGINS_WITH_AN_ANSWER + "]");
    PromptData lines = read(BEGINS_WITH_AN_ANSWER + "\n" + SHARE_GPT);

    assertEquals(new PromptData(List.of(expected), 1), array);
    assertEquals(array, lines);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"prompt": "a"                           | no JSON
          {"question": "a"}                        | "messages", "prompt" or "conversations"
          {"prompt": 5}                            | "prompt" must be a text
          {"messages": []}                         | array of {"role", "content"}
          {"messages": [{"role": "user"}]}         | "content" must be a text
          {"prompt": "a", "max_tokens": 0}         | "max_tokens" must be
          {"conversations": "a"}                   | "conversations" must be an array
          """)
  void aBadLineIsNamedWithItsFileAndNumber(String line, String problem) {
    String message =
        assertThrows(IOException.class, () -> read("{\"prompt\": \"good\"}\n\n" + line + "\n"))
            .getMessage();

    assertTrue(message.startsWith(directory.resolve("data.jsonl") + ":3: "), message);
    assertTrue(message.contains(problem), message);
  }

  @Test
  void aBadItemOfAnArrayIsNamedWithTheLineWhereItBegins() {
    String item =
        assertThrows(IOException.class, () -> read("[\n{\"prompt\": \"a\"},\n{}]")).getMessage();
    String cut =
        assertThrows(IOException.class, () -> read("[\n{\"prompt\": \"a\"},\n{\"pro")).getMessage();

    assertTrue(item.contains("data.jsonl:3: "), item);
    assertTrue(cut.contains("data.jsonl:3: no JSON"), cut);
  }

  @Test
  void aFileWithoutPromptsIsRefused() {
    assertThrows(IOException.class, () -> read("\n"));
    assertThrows(IOException.class, () -> read("[]"));
    assertThrows(IOException.class, () -> read(BEGINS_WITH_AN_ANSWER));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "short-chat",
        "long-summarization",
        "code",
        "shared-prefix",
        "multi-turn",
        "chinese"
      })
  void whatComesWithTheBenchmarksCanBeReadAndSaysHowLongAnswersAre(String name) throws IOException {
    PromptData data = PromptData.read(Path.of("data", name + ".jsonl"));

    assertTrue(data.prompts().size() >= 20 && data.prompts().size() <= 50, name);
    assertEquals(0, data.leftOut());
    assertEquals(data.prompts().size(), data.prompts().stream().distinct().count());
    assertTrue(data.prompts().stream().allMatch(prompt -> prompt.maxTokens().isPresent()));
  }
}
