package io.chasqui.benchmark.quality;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.chasqui.chat.ChatMessage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TaskTest {
  @TempDir Path directory;

  private Path file(String content) throws IOException {
    return Files.writeString(directory.resolve("task.jsonl"), content);
  }

  @Test
  void aTaskHasQuestionsWithChoicesAndWithout() throws IOException {
    Task task =
        Task.read(
            file(
                """
                {"prompt": "1 +", "choices": [" 1", " 2"], "answer": 1, "idx": 9}

                {"messages": [{"role": "user", "content": "Hi"}], "answer": "Hello"}
                """));

    assertEquals("task", task.name());
    Task.Item first = task.items().get(0);
    assertEquals(Optional.of("1 +"), first.prompt());
    assertEquals(" 2", first.text());
    Task.Item second = task.items().get(1);
    assertEquals(List.of(ChatMessage.user("Hi")), second.messages());
    assertEquals("Hello", second.text());
    assertEquals(directory.resolve("task.jsonl") + ":3", second.where());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '^',
      quoteCharacter = '`',
      textBlock =
          """
          {"prompt": "a", "answer": "b"             ^ is not JSON
          ["a"]                                     ^ must be an object of JSON
          {"answer": "b"}                           ^ must have either 'prompt' or 'messages'
          {"prompt": "", "answer": "b"}             ^ 'prompt' must be a text that is not empty
          {"prompt": "a"}                           ^ 'answer' must be a text that is not empty
          {"prompt": "a", "answer": 3}              ^ 'answer' must be a text that is not empty
          {"prompt": "a", "choices": ["b"], "answer": 0}        ^ a list of at least two
          {"prompt": "a", "choices": ["b", ""], "answer": 0}    ^ a choice must be a text
          {"prompt": "a", "choices": ["b", "c"], "answer": 2}   ^ from 0 to 1
          {"prompt": "a", "choices": ["b", "c"], "answer": "b"} ^ from 0 to 1
          {"messages": [], "answer": "b"}           ^ 'messages' must be a list of messages
          {"messages": [{"role": "user"}], "answer": "b"}       ^ a message's 'content'
          """)
  void aBadLineIsNamed(String line, String reason) throws IOException {
    Path file = file("{\"prompt\": \"a\", \"answer\": \"b\"}\n" + line + "\n");

    String message =
        assertThrows(IllegalArgumentException.class, () -> Task.read(file)).getMessage();

    assertEquals(file + ":2: ", message.substring(0, (file + ":2: ").length()));
    assertEquals(true, message.contains(reason), message);
  }

  @Test
  void aDocumentWithoutTextAndAnEmptyFileAreNamed() throws IOException {
    Path lines = file("{\"text\": \"a\"}\n{\"texts\": \"b\"}\n");
    assertEquals(
        lines + ":2: 'text' must be a text that is not empty",
        assertThrows(IllegalArgumentException.class, () -> Document.read(lines)).getMessage());

    Path empty = file("\n");
    assertEquals(
        empty + ": has no lines",
        assertThrows(IllegalArgumentException.class, () -> Task.read(empty)).getMessage());
  }

  @Test
  void aPlainFileIsOneDocument() throws IOException {
    Path file = Files.writeString(directory.resolve("book.txt"), "Once\n\nupon\n");

    assertEquals(List.of(new Document(file.toString(), "Once\n\nupon\n")), Document.read(file));
  }
}
