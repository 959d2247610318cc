package io.chasqui.benchmark.quality;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Files with an object of JSON in each line. */
final class JsonLines {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build();

  private JsonLines() {}

  /**
   * A line.
   *
   * @param where file and line, {@code tasks.jsonl:3}
   */
  record Line(String where, JsonNode object) {
    /**
     * The text of a field.
     *
     * @throws IllegalArgumentException if it is missing, empty or no text
     */
    String text(String field) {
      return text(object.path(field), "'" + field + "'");
    }

    String text(JsonNode value, String name) {
      if (!value.isTextual() || value.textValue().isEmpty()) {
        throw fail(name + " must be a text that is not empty");
      }
      return value.textValue();
    }

    IllegalArgumentException fail(String reason) {
      return new IllegalArgumentException(where + ": " + reason);
    }
  }

  /**
   * Reads a file; empty lines count but are left out.
   *
   * @throws IllegalArgumentException if a line is no object, by file and line
   * @throws IOException if the file cannot be read
   */
  static List<Line> read(Path file) throws IOException {
    List<Line> lines = new ArrayList<>();
    int number = 0;
    for (String text : text(file).split("\\R", -1)) {
      number++;
      if (!text.isBlank()) {
        lines.add(line(file + ":" + number, text));
      }
    }
    if (lines.isEmpty()) {
      throw new IllegalArgumentException(file + ": has no lines");
    }
    return lines;
  }

  /**
   * Reads a text.
   *
   * @throws IllegalArgumentException if it is not UTF-8
   * @throws IOException if the file cannot be read
   */
  static String text(Path file) throws IOException {
    try {
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(file + ": is not text in UTF-8", e);
    }
  }

  private static Line line(String where, String text) {
    JsonNode object;
    try {
      object = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(where + ": is not JSON: " + e.getOriginalMessage(), e);
    }
    var line = new Line(where, object);
    if (!object.isObject()) {
      throw line.fail("must be an object of JSON");
    }
    return line;
  }
}
