package io.chasqui.benchmark.serve;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.chasqui.chat.ChatMessage;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Prompts of a file. It has an object a line, or is one array of objects, and each is one of
 *
 * <ul>
 *   <li><code>{"messages": [{"role": …, "content": …}, …]}</code>, a conversation as OpenAI has it
 *   <li><code>{"prompt": "…"}</code>, a text to go on from
 *   <li><code>{"conversations": [{"from": "human", "value": …}, …]}</code>, as ShareGPT has it: the
 *       first question is asked, and the answer that follows it says how long ours shall be, a
 *       token for four of its characters. One that does not begin with a question is left out.
 * </ul>
 *
 * The first two may have {@code "max_tokens"}.
 *
 * @param prompts those that can be asked, at least one
 * @param leftOut conversations that do not begin with a question
 */
public record PromptData(List<Prompt> prompts, int leftOut) {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Map<String, String> SHARE_GPT_ROLES =
      Map.of("system", "system", "human", "user", "user", "user");
  private static final int CHARACTERS_OF_A_TOKEN = 4;

  public PromptData {
    prompts = List.copyOf(prompts);
  }

  /** An object and the line where it begins. */
  private record Item(JsonNode node, int line) {}

  /** What is wrong with an item. */
  private static final class WrongItem extends Exception {
    private static final long serialVersionUID = 1L;

    WrongItem(String message) {
      super(message);
    }
  }

  /**
   * Reads a file.
   *
   * @throws IOException if there is none, or one that is not of these forms, with the line
   */
  public static PromptData read(Path file) throws IOException {
    String text;
    try {
      text = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IOException(file + " is not UTF-8", e);
    }
    List<Prompt> prompts = new ArrayList<>();
    int leftOut = 0;
    for (Item item : text.stripLeading().startsWith("[") ? array(file, text) : lines(file, text)) {
      try {
        Optional<Prompt> prompt = prompt(item.node());
        prompt.ifPresent(prompts::add);
        leftOut += prompt.isPresent() ? 0 : 1;
      } catch (WrongItem e) {
        throw wrong(file, item.line(), e.getMessage(), e);
      }
    }
    if (prompts.isEmpty()) {
      throw new IOException(file + " has no prompt");
    }
    return new PromptData(prompts, leftOut);
  }

  private static List<Item> lines(Path file, String text) throws IOException {
    List<Item> items = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      if (!line.isBlank()) {
        try {
          items.add(new Item(JSON.readTree(line), number));
        } catch (JsonProcessingException e) {
          throw wrong(file, number, "no JSON: " + e.getOriginalMessage(), e);
        }
      }
    }
    return items;
  }

  private static List<Item> array(Path file, String text) throws IOException {
    List<Item> items = new ArrayList<>();
    try (JsonParser parser = JSON.createParser(text)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        int line = parser.currentTokenLocation().getLineNr();
        items.add(new Item(parser.readValueAsTree(), line));
      }
    } catch (JsonProcessingException e) {
      throw wrong(file, e.getLocation().getLineNr(), "no JSON: " + e.getOriginalMessage(), e);
    }
    return items;
  }

  private static IOException wrong(Path file, int line, String what, Exception cause) {
    return new IOException("%s:%d: %s".formatted(file, line, what), cause);
  }

  private static Optional<Prompt> prompt(JsonNode item) throws WrongItem {
    if (item.has("messages")) {
      return Optional.of(Prompt.conversation(messages(item.path("messages")), maxTokens(item)));
    }
    if (item.has("prompt")) {
      return Optional.of(Prompt.plain(text(item, "prompt"), maxTokens(item)));
    }
    if (item.has("conversations")) {
      return shareGpt(item.path("conversations"));
    }
    throw new WrongItem("an object with \"messages\", \"prompt\" or \"conversations\" is wanted");
  }

  private static List<ChatMessage> messages(JsonNode array) throws WrongItem {
    if (!array.isArray() || array.isEmpty()) {
      throw new WrongItem("\"messages\" must be an array of {\"role\", \"content\"}");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : array) {
      messages.add(new ChatMessage(text(message, "role"), text(message, "content")));
    }
    return messages;
  }

  private static OptionalInt maxTokens(JsonNode item) throws WrongItem {
    JsonNode tokens = item.path("max_tokens");
    if (tokens.isMissingNode()) {
      return OptionalInt.empty();
    }
    if (!tokens.isInt() || tokens.intValue() < 1) {
      throw new WrongItem("\"max_tokens\" must be a whole number from 1");
    }
    return OptionalInt.of(tokens.intValue());
  }

  private static Optional<Prompt> shareGpt(JsonNode turns) throws WrongItem {
    if (!turns.isArray()) {
      throw new WrongItem("\"conversations\" must be an array of {\"from\", \"value\"}");
    }
    List<ChatMessage> messages = new ArrayList<>();
    boolean asked = false;
    for (JsonNode turn : turns) {
      String role = SHARE_GPT_ROLES.get(text(turn, "from"));
      if (asked || role == null) {
        return asked ? Optional.of(Prompt.conversation(messages, length(turn))) : Optional.empty();
      }
      String value = turn.path("value").asText("");
      if (value.isBlank()) {
        return Optional.empty();
      }
      messages.add(new ChatMessage(role, value));
      asked = role.equals("user");
    }
    return asked
        ? Optional.of(Prompt.conversation(messages, OptionalInt.empty()))
        : Optional.empty();
  }

  private static OptionalInt length(JsonNode answer) {
    int characters = answer.path("value").asText("").length();
    return OptionalInt.of(Math.max(1, Math.ceilDiv(characters, CHARACTERS_OF_A_TOKEN)));
  }

  private static String text(JsonNode item, String field) throws WrongItem {
    JsonNode text = item.path(field);
    if (!text.isTextual() || text.textValue().isEmpty()) {
      throw new WrongItem("\"%s\" must be a text".formatted(field));
    }
    return text.textValue();
  }
}
