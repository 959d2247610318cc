package io.chasqui.benchmark.quality;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A text whose tokens a model predicts.
 *
 * @param where it comes from, by file and line
 * @param text special tokens in it are tokens
 */
public record Document(String where, String text) {
  /**
   * Reads a file: of one whose name ends with {@code .jsonl} the field {@code text} of each line,
   * of another one all of it.
   *
   * @throws IllegalArgumentException if a line has no text, by file and line
   * @throws IOException if the file cannot be read
   */
  public static List<Document> read(Path file) throws IOException {
    if (file.toString().endsWith(".jsonl")) {
      return JsonLines.read(file).stream()
          .map(line -> new Document(line.where(), line.text("text")))
          .toList();
    }
    String text = JsonLines.text(file);
    if (text.isEmpty()) {
      throw new IllegalArgumentException(file + ": is empty");
    }
    return List.of(new Document(file.toString(), text));
  }
}
