package io.chasqui.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A program that measures, and writes its results as JSON, an object a line. */
public final class JsonProgram {
  private static final JsonMapper JSON = new JsonMapper();

  private JsonProgram() {}

  /**
   * Runs a program to its end.
   *
   * @param log where its standard error goes
   * @return the objects that it has written, at least one
   * @throws IOException if it fails, or writes none
   */
  public static List<JsonNode> run(List<String> command, Path log)
      throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectError(log.toFile()).start();
    List<JsonNode> results = new ArrayList<>();
    try (var output = process.inputReader()) {
      for (String line : output.lines().filter(text -> text.startsWith("{")).toList()) {
        results.add(JSON.readTree(line));
      }
    }
    if (process.waitFor() != 0 || results.isEmpty()) {
      throw new IOException("%s has failed, see %s".formatted(String.join(" ", command), log));
    }
    return results;
  }
}
