package io.chasqui.benchmark.results;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * A run that was kept in a file.
 *
 * @param name the file's, which tells two runs of one benchmark apart
 */
public record KeptRun(String name, Results results) {
  private static final String ENDING = ".json";

  /**
   * The run of a file, or all of a directory in the order of their names.
   *
   * @throws IOException if a directory has none, or one cannot be read
   */
  public static List<KeptRun> read(Path place) throws IOException {
    List<KeptRun> runs = new ArrayList<>();
    for (Path file : Files.isDirectory(place) ? records(place) : List.of(place)) {
      String name = file.getFileName().toString();
      runs.add(
          new KeptRun(
              name.endsWith(ENDING) ? name.substring(0, name.length() - ENDING.length()) : name,
              Results.read(file)));
    }
    return runs;
  }

  private static List<Path> records(Path directory) throws IOException {
    try (Stream<Path> inside = Files.list(directory)) {
      List<Path> found = inside.filter(file -> file.toString().endsWith(ENDING)).sorted().toList();
      if (found.isEmpty()) {
        throw new IOException("there is no record, no *.json, in " + directory);
      }
      return found;
    }
  }
}
