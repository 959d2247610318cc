package io.chasqui;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** The programs on this machine's PATH, of which some tests need one. */
public final class Programs {
  private Programs() {}

  /** The first of some names under which a program is known that is installed. */
  public static Optional<Path> find(String... names) {
    return Stream.of(names)
        .flatMap(name ->
            Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .map(folder -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
