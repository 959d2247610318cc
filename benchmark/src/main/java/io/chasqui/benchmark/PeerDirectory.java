package io.chasqui.benchmark;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What {@code benchmark/peers/setup} has made: llama.cpp, and one model in three forms. */
record PeerDirectory(Path path) {
  Path packed() {
    return path.resolve("model.chasqui");
  }

  Path gguf() {
    return path.resolve("model-q4_0.gguf");
  }

  Path jlama() {
    return path.resolve("model-jq4");
  }

  /** The program that starts llama.cpp's programs. */
  Path llamaCppRun() {
    return path.resolve("llama.cpp").resolve("run");
  }

  /** Where Debian's packages of llama.cpp are unpacked, with the libraries that they need. */
  Path llamaCppFiles() {
    return path.resolve("llama.cpp").resolve("root");
  }

  /** The command that runs a program of llama.cpp. */
  List<String> llamaCpp(String... words) {
    return Stream.concat(Stream.of(llamaCppRun().toAbsolutePath().toString()), Stream.of(words))
        .toList();
  }

  /** Where the output of a program goes. */
  Path log(String name) {
    return path.resolve(name + ".log");
  }
}
