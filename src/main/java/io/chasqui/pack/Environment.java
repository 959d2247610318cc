package io.chasqui.pack;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/** The variables of a process, of which a blank one is as good as none. */
record Environment(Map<String, String> variables) {
  Optional<String> get(String name) {
    return Optional.ofNullable(variables.get(name)).map(String::strip).filter(v -> !v.isEmpty());
  }

  /**
   * Where to keep what can be fetched or made again: the folder {@code chasqui} in {@code
   * XDG_CACHE_HOME}, else in {@code ~/.cache}.
   */
  Path cache() {
    return get("XDG_CACHE_HOME")
        .map(Path::of)
        .orElseGet(() -> Path.of(System.getProperty("user.home"), ".cache"))
        .resolve("chasqui");
  }
}
