package io.chasqui.benchmark.quality;

import com.fasterxml.jackson.databind.JsonNode;
import io.chasqui.benchmark.quality.JsonLines.Line;
import io.chasqui.chat.ChatMessage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Questions of a kind, with their answers.
 *
 * @param name of its file, without what follows the dot
 */
public record Task(String name, List<Item> items) {
  /**
   * A question.
   *
   * @param where it comes from, by file and line
   * @param prompt to be gone on with; empty where there are messages
   * @param messages of a conversation whose next turn is the answer
   * @param choices among which the answer is; none if it has to be written
   * @param answer the index of a choice; 0 without choices
   * @param text that the answer is, word for word, but for space around it
   */
  public record Item(
      String where,
      Optional<String> prompt,
      List<ChatMessage> messages,
      List<String> choices,
      int answer,
      String text) {
    /** Whether the answer is one of some choices. */
    public boolean hasChoices() {
      return !choices.isEmpty();
    }
  }

  /** Whether a model without a chat template cannot be asked this. */
  public boolean needsChatTemplate() {
    return items.stream().anyMatch(item -> item.prompt().isEmpty());
  }

  /**
   * Reads a file of lines of JSON: {@code {"prompt": TEXT}} or {@code {"messages": [{"role": …,
   * "content": …}, …]}}, with {@code "answer": TEXT}, or with {@code "choices": [TEXT, …]} and
   * {@code "answer": INDEX}. Other fields are not looked at.
   *
   * @throws IllegalArgumentException if a line is none of these, by file and line
   * @throws IOException if the file cannot be read
   */
  public static Task read(Path file) throws IOException {
    return new Task(
        file.getFileName().toString().replaceFirst("\\.[^.]*$", ""),
        JsonLines.read(file).stream().map(Task::item).toList());
  }

  private static Item item(Line line) {
    boolean isChat = line.object().has("messages");
    if (isChat == line.object().has("prompt")) {
      throw line.fail("must have either 'prompt' or 'messages'");
    }
    List<String> choices = line.object().has("choices") ? choices(line) : List.of();
    int answer = choices.isEmpty() ? 0 : index(line, choices.size());
    return new Item(
        line.where(),
        isChat ? Optional.empty() : Optional.of(line.text("prompt")),
        isChat ? messages(line) : List.of(),
        choices,
        answer,
        choices.isEmpty() ? line.text("answer") : choices.get(answer));
  }

  private static List<ChatMessage> messages(Line line) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : line.object().get("messages")) {
      messages.add(
          new ChatMessage(
              line.text(message.path("role"), "a message's 'role'"),
              line.text(message.path("content"), "a message's 'content'")));
    }
    if (messages.isEmpty()) {
      throw line.fail("'messages' must be a list of messages");
    }
    return messages;
  }

  private static List<String> choices(Line line) {
    List<String> choices = new ArrayList<>();
    for (JsonNode choice : line.object().get("choices")) {
      choices.add(line.text(choice, "a choice"));
    }
    if (choices.size() < 2) {
      throw line.fail("'choices' must be a list of at least two");
    }
    return choices;
  }

  private static int index(Line line, int choices) {
    JsonNode answer = line.object().path("answer");
    if (!answer.isInt() || answer.intValue() < 0 || answer.intValue() >= choices) {
      throw line.fail(
          "'answer' must be the index of a choice, from 0 to %d".formatted(choices - 1));
    }
    return answer.intValue();
  }
}
