package io.chasqui.benchmark.servers;

import io.chasqui.benchmark.results.Subject;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What {@code benchmark/peers/setup} has made: llama.cpp, and one model in three forms. */
public record PeerDirectory(Path path) {
  static final String GGUF_QUANTIZATION = "Q4_0";

  public Path packed() {
    return path.resolve("model.chasqui");
  }

  public Path gguf() {
    return path.resolve("model-q4_0.gguf");
  }

  /**
   * A program of llama.cpp with the weights of {@link #gguf} and its default for keys and values.
   */
  public Subject describe(Subject program) {
    return program.with(gguf().getFileName().toString(), "", 0, GGUF_QUANTIZATION, "f16");
  }

  public Path jlama() {
    return path.resolve("model-jq4");
  }

  /** The program that starts llama.cpp's programs. */
  Path llamaCppRun() {
    return path.resolve("llama.cpp").resolve("run");
  }

  /** Where Debian's packages of llama.cpp are unpacked, with the libraries that they need. */
  public Path llamaCppFiles() {
    return path.resolve("llama.cpp").resolve("root");
  }

  /** The command that runs a program of llama.cpp. */
  public List<String> llamaCpp(String... words) {
    return Stream.concat(Stream.of(llamaCppRun().toAbsolutePath().toString()), Stream.of(words))
        .toList();
  }

  /** Where the output of a program goes. */
  public Path log(String name) {
    return path.resolve(name + ".log");
  }
}
