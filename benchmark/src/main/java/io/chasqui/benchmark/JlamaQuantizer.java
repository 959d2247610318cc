package io.chasqui.benchmark;

import com.github.tjake.jlama.safetensors.DType;
import com.github.tjake.jlama.safetensors.SafeTensorSupport;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** Reduces a model to 4 bits with Jlama's own quantizer; norms stay as they are. */
@Command(
    name = "JlamaQuantizer",
    description = "Makes Jlama's 4-bit form (JQ4) of a model.",
    mixinStandardHelpOptions = true)
final class JlamaQuantizer implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description = "in Hugging Face's layout, with a README.md")
  private Path model;

  @Parameters(index = "1", paramLabel = "DIRECTORY", description = "what to write")
  private Path directory;

  /** Runs the command line. */
  public static void main(String... args) {
    System.exit(Tool.commandLine(new JlamaQuantizer()).execute(args));
  }

  @Override
  public Integer call() throws IOException {
    SafeTensorSupport.quantizeModel(
        model, DType.Q4, new String[] {"norm"}, null, Optional.of(directory));
    return 0;
  }
}
